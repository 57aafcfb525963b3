"""The pump's firmware: `app` is the loop, `core` the pure rules, `drivers` the hardware."""
