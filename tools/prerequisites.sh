#!/usr/bin/env bash
# Checks what a fresh machine must bring: Rust, Python 3.10 or newer, a JDK 17, Maven. Installs nothing.
set -u
missing=0
need() { # what, how to get it on Debian or Ubuntu
  printf 'firesteel needs %s: %s\n' "$1" "$2" >&2
  missing=1
}

version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

rust=$(rustc --version 2>/dev/null | cut -d' ' -f2)
if [ -z "$rust" ] || ! version_at_least "$rust" 1.95; then
  need "Rust 1.95 or newer (found: ${rust:-none})" "install it with rustup"
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  need "Python 3.10 or newer (found: $(python3 --version 2>&1 || true))" "apt-get install python3"
elif ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  need "Python's venv module" "apt-get install python3-venv"
fi

java_home=${JAVA_HOME:-}
javac=${java_home:+$java_home/bin/}javac
jdk=$("$javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
if [ "${jdk:-0}" != 17 ]; then
  need "a JDK 17 (found: ${jdk:-none})" "apt-get install openjdk-17-jdk-headless, or point JAVA_HOME at one"
fi

command -v mvn >/dev/null 2>&1 || need "Maven" "apt-get install maven"
command -v cc >/dev/null 2>&1 || need "a C compiler" "apt-get install build-essential"
exit $missing
