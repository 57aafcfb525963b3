#!/bin/sh
# Puts MicroPython and what its RP2040 port needs into build/micropython, from Debian's source packages, unedited.
# Versions are named here, contents in micropython.sha256. Downloads stay in build/downloads.
set -eu
cd "$(dirname "$0")/.."
unset MAKEFLAGS MFLAGS # our variables mean something else to MicroPython's Makefile
root=$PWD
downloads=$root/build/downloads
tree=$root/build/micropython
suite=trixie

sources_are_good() { (cd "$downloads" && sha256sum --check --quiet --strict "$root/tools/micropython.sha256"); }

# A private view of the machine's own mirror at another suite: the machine's apt keeps its state.
download() {
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        sed -n 's/^Debian Debian //p' | sort -u | head -n 1)
    # Before the first "apt-get update" no index says its origin: go by the name of the folder.
    [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        grep '/debian/*$' | sort -u | head -n 1) ||
        { echo "apt knows no Debian mirror to take MicroPython's sources from" >&2; exit 1; }
    apt=$downloads/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        deb "$mirror" $suite deb-src "$mirror" $suite >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
CONF
    cd "$downloads"
    export APT_CONFIG="$apt/apt.conf"
    apt-get -qq update
    if ! { apt-get -qq source --download-only micropython=1.25.0+ds-1 mbedtls=3.6.6-0.1~deb13u1 &&
        apt-get -qq download pico-sdk-source=2.1.1-1 tinyusb-source=0.18.0+dfsg-1; }; then
        echo "The mirror no longer has one of the pinned versions: see the lines above, and tools/micropython.sh." >&2
        exit 1
    fi
    cd "$root"
    rm -r "$apt"
}

mkdir -p "$downloads"
sources_are_good >/dev/null 2>&1 || (download)
sources_are_good || { echo "A source differs from tools/micropython.sha256" >&2; exit 1; }

rm -rf "$tree"
mkdir -p "$tree/no-lib"
dpkg-source --no-check --no-copy -x "$downloads"/micropython_*.dsc "$tree/micropython" >/dev/null
dpkg-source --no-check --no-copy -x "$downloads"/mbedtls_*.dsc "$tree/mbedtls" >/dev/null
for package in pico-sdk tinyusb; do dpkg-deb -x "$downloads/$package"-source_*.deb "$tree"; done
# Debian leaves these two folders empty.
rmdir "$tree/micropython/lib/tinyusb" "$tree/micropython/lib/mbedtls"
ln -s ../../usr/src/tinyusb "$tree/micropython/lib/tinyusb"
ln -s ../../mbedtls "$tree/micropython/lib/mbedtls"
: >"$tree/no-lib/README.md" # stands in for micropython-lib, which Debian strips
make --silent -j"$(nproc)" -C "$tree/micropython/mpy-cross" >"$tree/mpy-cross.log" 2>&1 ||
    { tail -n 20 "$tree/mpy-cross.log" >&2; exit 1; }
