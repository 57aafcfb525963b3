"""`python -m titrate.cli`, for where no script is installed."""

from titrate.cli import main

main()
