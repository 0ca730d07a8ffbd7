# Adds byte code to the Python archives of a Spark and compiles its sources in place. Argument: SPARK_HOME/python.
# zipimport looks for `module.pyc` beside `module.py`; "unchecked" means that no time stamp has to agree.
import compileall, importlib.util, marshal, os, py_compile, sys, tempfile, zipfile

root = sys.argv[1]


def byte_code(name, source):
    code = compile(source, name, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source) + marshal.dumps(code)


def rewrite(path):
    with zipfile.ZipFile(path) as old:
        names = [n for n in old.namelist() if not n.endswith((".pyc", "/"))]
        fd, fresh = tempfile.mkstemp(dir=os.path.dirname(path))
        with os.fdopen(fd, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
            for name in names:
                body = old.read(name)
                if name.endswith(".py"):
                    try:
                        new.writestr(name + "c", byte_code(name, body))
                    except SyntaxError:
                        pass
                new.writestr(name, body)
    os.chmod(fresh, 0o644)
    os.replace(fresh, path)


for archive in os.listdir(os.path.join(root, "lib")):
    if archive.endswith(".zip"):
        rewrite(os.path.join(root, "lib", archive))
compileall.compile_dir(os.path.join(root, "pyspark"), quiet=2, workers=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
