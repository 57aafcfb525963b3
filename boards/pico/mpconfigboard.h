#define MICROPY_HW_BOARD_NAME "Titrate pump on Raspberry Pi Pico"
// 2 MB of flash: 640 KB for the image, the rest is the filesystem. The emulated board repeats these figures.
#define MICROPY_HW_FLASH_STORAGE_BYTES (1408 * 1024)
