#!/bin/sh
# debian_packages.sh PACKAGE...: installs those that are missing.
# Ends with 0 when all are there, with 3 and one line on standard output when they cannot be installed here, and
# with 1 when they could have been but the installation failed.
set -eu
missing=
for package in "$@"; do
    [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null || [ "$(. /etc/os-release 2>/dev/null && echo "$ID")" != debian ]; then
    echo "Missing Debian packages:$missing. This is not Debian: run it on Debian 12 or later, a container will do."
    exit 3
fi
if [ "$(id -u)" != 0 ]; then
    echo "Missing Debian packages:$missing. As root: apt-get install --no-install-recommends$missing"
    exit 3
fi
echo "Installing Debian packages:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
{
    apt-get -qq update
    # shellcheck disable=SC2086  # one word a package
    apt-get -qq install --yes --no-install-recommends $missing
} >&2 || exit 1
