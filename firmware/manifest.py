# What is frozen into the image, and nothing else: no file on the device can change how it pumps.
freeze("$(PORT_DIR)/modules")  # _boot.py mounts the filesystem, rp2.py assembles PIO programs
freeze(".", "main.py")
package("pump")
freeze("$(BOARD_DIR)", "board.py")
freeze("$(BUILD_INFO_DIR)", "build_info.py")  # VERSION and DIGEST, written by tools/build_image.py
