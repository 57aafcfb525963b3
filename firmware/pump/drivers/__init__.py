"""The only code that imports `machine` or `rp2`; each file is named after its chip."""
