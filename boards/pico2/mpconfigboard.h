#define MICROPY_HW_BOARD_NAME "Titrate pump on Raspberry Pi Pico 2"
// 4 MB of flash: 640 KB for the image, as on the Pico, the rest is the filesystem.
#define MICROPY_HW_FLASH_STORAGE_BYTES (3456 * 1024)
