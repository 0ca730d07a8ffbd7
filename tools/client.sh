#!/usr/bin/env bash
# Makes one of the client environments of tools/clients and prints its folder: pinned, outside the checkout, made once.
#   tools/client.sh airflow | dagster | flyte | wrangler | javascript | java
set -euo pipefail
cd "$(dirname "$0")/clients"
name=$1
case $name in
  javascript) sources=(javascript/package.json javascript/package-lock.json) ;;
  java) sources=(java/pom.xml) ;;
  *) sources=("$name.txt") ;;
esac
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
mark=$(cat "${sources[@]}" <(echo "$name $python") | sha256sum | cut -c 1-16)
home=${FIRESTEEL_CACHE:-$HOME/.cache/firesteel}/clients
folder=$home/$name-$mark
mkdir -p "$home"
exec 9> "$home/.$name.lock"
flock 9
if [ ! -e "$folder/installed" ]; then
  echo "installing the $name client into $folder" >&2
  rm -rf "$folder"
  mkdir "$folder"
  case $name in
    javascript)
      cp javascript/package.json javascript/package-lock.json "$folder"
      (cd "$folder" && npm ci --no-audit --no-fund --silent) >&2
      ;;
    java)
      cp java/pom.xml "$folder"
      (cd "$folder" && mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=jars) >&2
      ;;
    *)
      python3 -m venv "$folder"
      "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$name.txt" >&2
      ;;
  esac
  touch "$folder/installed"
fi
echo "$folder"
