set(PICO_BOARD "pico2")
set(PICO_PLATFORM "rp2350")

# tools/build_image.py names the manifest. This default is MicroPython with nothing of ours in it.
if(NOT MICROPY_FROZEN_MANIFEST)
    set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest_stock.py)
endif()

# There is no C++ in the image: link with the C driver, and 300 MB of libstdc++ need not be installed.
set(CMAKE_CXX_LINK_EXECUTABLE
    "<CMAKE_C_COMPILER> <FLAGS> <CMAKE_CXX_LINK_FLAGS> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES> -lm")
set(MICROPY_DEF_BOARD PICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1)
