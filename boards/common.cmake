# What the images of all boards have in common; each mpconfigboard.cmake includes it.

# tools/build_image.py names the manifest. This default is MicroPython with nothing of ours in it.
if(NOT MICROPY_FROZEN_MANIFEST)
    set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest_stock.py)
endif()

# There is no C++ in the image: link with the C driver, and 300 MB of libstdc++ need not be installed.
set(CMAKE_CXX_LINK_EXECUTABLE
    "<CMAKE_C_COMPILER> <FLAGS> <CMAKE_CXX_LINK_FLAGS> <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES> -lm")
set(MICROPY_DEF_BOARD PICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1)

# What follows is for our firmware; `make image-stock` is to be as everybody has it.
if(MICROPY_FROZEN_MANIFEST STREQUAL "${MICROPY_BOARD_DIR}/manifest_stock.py")
    return()
endif()

# A stop may have to wait for a collection of garbage. With MicroPython's usual 64 places the collector forgets on its way
# what it still has to visit, and searches the whole heap for it: 22 ms in place of 7 (docs/decisions/0037).
list(APPEND MICROPY_DEF_BOARD MICROPY_ALLOC_GC_STACK_SIZE=1024)

# The interpreter for speed, where the port does that for three of its files only: a tenth faster, 33 KB more of flash.
file(GLOB INTERPRETER ${MICROPY_DIR}/py/*.c)
set_source_files_properties(${INTERPRETER} PROPERTIES COMPILE_OPTIONS "-O2")
