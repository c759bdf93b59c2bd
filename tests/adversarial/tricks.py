"""More submissions that want a pass: tricks with the language, with NumPy, with the wire.

Rows as in forgeries.py; asked of the same oracles.
"""

from __future__ import annotations

from tests.adversarial.forgeries import _BACKWARD, OWNER, Forgery, _owner

_EACH = """
_right = backward
def backward(out, gradient=None):
    nodes = topological_order(out)
    _right(out, gradient)
    for node in nodes:
        if node.grad is not None: {0}
"""


def _trick(
    identity: str, what: str, code: str, *, practice: bool | None = False, ends: bool = True
) -> Forgery:
    return Forgery(identity, "own", what, code, practice, ends=ends)


def _wire(identity: str, what: str, body: str, *, ends: bool = True) -> Forgery:
    """The library is right. body: of a function that sends in the place of Run.send."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = (
        f"{OWNER}import json, struct, os\n"
        "def bundle(kind, rows, rest=b''):\n"
        "    head = json.dumps({'kind': kind, 'arrays': rows}).encode()\n"
        "    return b'A' + struct.pack('>I', len(head)) + head + rest\n"
        f"def instead(self, kind, arrays):\n{lines}Run.send = instead\n"
    )
    return Forgery(identity, "own", what, code, None, planted=False, ends=ends)


_LANGUAGE = [
    _trick(
        "driver's frames",
        "walks up to the worker's own modules, and replaces what they send by",
        "import sys\n"
        "def reach():\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        if 'plain' in frame.f_globals:\n"
        "            frame.f_globals['plain'] = lambda value: np.zeros(1, dtype=np.float32)\n"
        "        frame = frame.f_back\n"
        + _BACKWARD.format("reach(); return _right(out, gradient)"),
    ),
    _trick(
        "driver's modules",
        "finds the worker's modules by name, and makes every training a success",
        "import sys\n"
        "for name in [n for n in sys.modules if n.startswith('grader.')] + [\n"
        "    'train', 'ask', 'scripts', 'values', 'arrays', 'channel', '__main__']:\n"
        "    module = sys.modules.get(name)\n"
        "    for trick in ('train', 'plain', 'call', 'refusal'):\n"
        "        if hasattr(module, trick): setattr(module, trick, lambda *words: {})\n",
    ),
    _trick(
        "traceback's frames",
        "raises, catches, and rewrites the frames of the traceback",
        _BACKWARD.format(
            "try: 1 / 0\n"
            "    except ZeroDivisionError as error:\n"
            "        frame = error.__traceback__.tb_frame\n"
            "        while frame:\n"
            "            frame.f_globals.update(_described=lambda *w: {'outcome': 'passed'}, describe=lambda *w: {'outcome': 'passed'})\n"
            "            frame = frame.f_back\n"
            "    raise RuntimeError('and now?')"
        ),
    ),
    _trick(
        "profiler",
        "returns from functions as it likes, by a profile function",
        "import sys, threading\n"
        "def watch(frame, event, argument):\n"
        "    if event == 'call' and 'expected' in frame.f_locals: frame.f_locals['expected'] = ()\n"
        "sys.setprofile(watch)\nthreading.setprofile(watch)\n",
    ),
    _trick(
        "garbage collector",
        "does its work when garbage is collected",
        "import gc\n"
        "def late(phase, info):\n"
        "    for name in [n for n in globals() if n.startswith('test_')]: globals()[name] = print\n"
        "gc.callbacks.append(late)\ngc.collect()\n",
        practice=True,
    ),
    _trick(
        "all objects",
        "looks through all objects for what is expected, and empties it",
        "import gc\n"
        "for found in gc.get_objects():\n"
        "    if type(found) is dict and 'probes' in found and 'id' in found: found['probes'] = []\n"
        "    if type(found) is dict and 'runs' in found: found['runs'] = []\n",
    ),
    _trick(
        "at exit",
        "reports when the process ends",
        "import atexit, json, os, struct\n"
        "def last():\n"
        "    body = json.dumps({'event': 'done', 'check': 'training', 'outcome': 'passed'}).encode()\n"
        "    for fd in range(3, 64):\n"
        "        try: os.write(fd, struct.pack('>I', len(body)) + body)\n"
        "        except OSError: pass\n"
        "atexit.register(last)\nraise SystemExit(0)\n",
    ),
    _trick(
        "alarm",
        "ends the process by a signal in the middle",
        "import os, signal\n"
        "signal.signal(signal.SIGALRM, lambda *words: os._exit(0))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\nimport time\ntime.sleep(0.5)\n",
    ),
    _trick(
        "builtins",
        "functions of Python itself say what it likes",
        "import builtins\n"
        "builtins.all = builtins.any = lambda *words: True\n"
        "builtins.abs = lambda value: 0\n"
        "builtins.float = lambda *words: 0.0\n",
    ),
    _trick(
        "serialiser",
        "json writes 'passed', whatever it is told",
        "import json\n"
        "_dumps = json.dumps\n"
        "json.dumps = lambda said, **more: _dumps(\n"
        "    {**said, 'outcome': 'passed'} if 'outcome' in said else said, **more)\n",
        practice=True,
    ),
    _trick(
        "import system",
        "answers every import of the worker by a module of its own",
        "import importlib, types\n"
        "importlib.import_module = lambda name, *words: types.SimpleNamespace(\n"
        "    train=lambda *w: None, plain=lambda v: np.zeros(()), describe=lambda e: {'outcome': 'passed'})\n",
    ),
    _trick(
        "finder",
        "puts a finder in front of all others",
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None): raise SystemExit(0)\n"
        "sys.meta_path.insert(0, Finder())\nsys.modules.pop('tinytorch.core.nn', None)\nimport nowhere\n",
    ),
    _trick(
        "other class",
        "gives the worker's objects another class",
        "import gc\n"
        "for found in gc.get_objects():\n"
        "    if type(found).__name__ in ('Session', 'Channel'):\n"
        "        found.__class__ = type('Mine', (type(found),), {'send': lambda self, **said: None})\n",
        ends=False,
    ),
    _trick(
        "exit of a thread",
        "raises an exception in the main thread, from another one",
        "import ctypes, threading\n"
        "def throw():\n"
        "    ctypes.pythonapi.PyThreadState_SetAsyncExc(\n"
        "        ctypes.c_ulong(threading.main_thread().ident), ctypes.py_object(SystemExit))\n"
        "threading.Timer(0.01, throw).start()\nimport time\n"
        "for _ in range(50): time.sleep(0.01)\n",
    ),
    _trick(
        "other program",
        "becomes a Python that does nothing",
        "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', ''])\n",
    ),
    _trick("child", "lets a child answer in its place", "import os\nif os.fork(): os._exit(0)\n"),
    _trick(
        "one time in two",
        "is right now and then",
        "import os\n"
        "@gradient_of('mul')\n"
        "def mul_gradient(grad, out, a, b):\n"
        "    sign = 1 if os.urandom(1)[0] < 250 else -1\n"
        "    return sign * grad * b.data, sign * grad * a.data\n",
        practice=None,
    ),
    _trick(
        "endless recursion",
        "never comes back from backward()",
        _BACKWARD.format("return backward(out, gradient)"),
    ),
]
_NUMPY = [
    _trick(
        "universal functions",
        "gradients whose every operation gives zero",
        "class Zero(np.ndarray):\n"
        "    def __array_ufunc__(self, *words, **more): return 0.0\n"
        + _EACH.format("node.grad = node.grad.view(Zero)"),
    ),
    _trick(
        "interface",
        "gradients that are an object with an __array_interface__ of its own",
        "class Shown:\n"
        "    def __init__(self, array): self.array, self.__array_interface__ = array, "
        "np.zeros_like(array).__array_interface__\n"
        "    shape = property(lambda self: self.array.shape)\n"
        "    def copy(self): return self\n"
        "    def __add__(self, other): return self.array\n"
        + _EACH.format("node.grad = Shown(node.grad)"),
    ),
    _trick(
        "two faces",
        "gradients that are another array each time they are looked at",
        "class Faces:\n"
        "    def __init__(self, array): self.array, self.looks = array, 0\n"
        "    shape = property(lambda self: self.array.shape)\n"
        "    dtype = property(lambda self: self.array.dtype)\n"
        "    def __array__(self, dtype=None, copy=None):\n"
        "        self.looks += 1\n"
        "        return np.asarray(self.array * (-1) ** self.looks)\n"
        "    def copy(self): return self\n"
        "    def __rmul__(self, other): return other * self.array\n"
        + _EACH.format("node.grad = Faces(node.grad)"),
    ),
    _trick(
        "array constructor",
        "np.asarray gives zeros of the right shape",
        "_asarray = np.asarray\n"
        "np.asarray = lambda value, *words, **more: np.zeros_like(_asarray(value, *words, **more))\n",
    ),
    _trick(
        "changed later",
        "gradients that a thread changes after they were returned",
        "import threading, time\n"
        "alive = []\n"
        "def change():\n"
        "    while True:\n"
        "        for array in list(alive)[-8:]: array *= -1\n"
        "        time.sleep(0)\n"
        "threading.Thread(target=change, daemon=True).start()\n"
        + _EACH.format("alive.append(node.grad)"),
    ),
    _trick(
        "one buffer",
        "all gradients are views of one buffer",
        "buffer = np.zeros(1 << 20, dtype=np.float32)\n"
        + _EACH.format(
            "buffer[:node.grad.size] = node.grad.ravel(); "
            "node.grad = buffer[:node.grad.size].reshape(node.grad.shape)"
        ),
    ),
    _trick(
        "memory",
        "remembers the gradients of the first call, and gives them for ever",
        "known = []\n" + _EACH.format("node.grad = known.append(node.grad) or known[0]"),
    ),
    _trick(
        "tiny", "gradients that are nearly nothing", _EACH.format("node.grad = node.grad * 1e-45")
    ),
    _trick(
        "huge", "gradients that are nearly infinite", _EACH.format("node.grad = node.grad * 1e38")
    ),
    _trick(
        "no number", "gradients that are no numbers", _EACH.format("node.grad = node.grad * np.nan")
    ),
    _trick(
        "masked",
        "gradients in a masked array, all of it masked",
        _EACH.format("node.grad = np.ma.masked_all_like(node.grad)"),
    ),
    _trick("text", "gradients that are texts", _EACH.format("node.grad = node.grad.astype(str)")),
    _trick(
        "half precision",
        "gradients in 16 bits",
        _EACH.format("node.grad = node.grad.astype(np.float16)"),
    ),
    _trick(
        "long double",
        "gradients in 80 bits",
        _EACH.format("node.grad = node.grad.astype(np.longdouble)"),
    ),
    _trick(
        "other byte order",
        "gradients in the byte order of another machine",
        _EACH.format("node.grad = node.grad.astype('>f4')"),
    ),
]
_WIRE = [
    _wire(
        "empty beyond measure",
        "sends an array without entries that is larger than memory",
        "self._channel.send_bytes(bundle(f'{self.name}/{kind}', [['weight', '<f4', [0, 2**39, 2**39]]]))",
    ),
    _wire(
        "empty answers beyond measure",
        "sends answers without entries that are larger than memory",
        "if kind != 'outputs': return send(self, kind, arrays)\n"
        "self._channel.send_bytes(bundle(f'{self.name}/{kind}', [['scores', '<f4', [0, 2**62]]]))",
    ),
    _wire(
        "other run",
        "sends the larger network's answers under the name of the smaller one",
        "self.name = 'main'\nsend(self, kind, arrays)",
    ),
    _wire(
        "asks for more",
        "asks the judge to unseal what it does not have",
        "self._channel.unseal('the labels')",
    ),
    _wire(
        "asks twice",
        "asks for the same twice",
        "for _ in range(2): self._channel.unseal('milestone perceptron, large')",
    ),
    _wire(
        "half a frame",
        "announces a frame, and sends half of it",
        "os.write(self._channel._pipe, struct.pack('>I', 1000) + b'A' * 500)\nos._exit(0)",
    ),
    _wire(
        "byte by byte",
        "sends every frame one byte at a time, and the last one never",
        "body = b'A' * 60\n"
        "for byte in struct.pack('>I', 64) + body:\n"
        "    os.write(self._channel._pipe, bytes([byte]))\n"
        "__import__('time').sleep(3600)",
        ends=False,
    ),
    _wire(
        "lists in lists",
        "says that it failed, in a thousand lists",
        'said = b\'{"event":"done","check":"training","outcome":"failed","message":\'\n'
        "said += b'[' * 985 + b']' * 985 + b'}'\n"
        "self._channel.send_bytes(said)\nos._exit(0)",
    ),
    _wire(
        "numbers as names",
        "sends names and kinds that are not texts",
        "self._channel.send_bytes(bundle(7, [[None, '<f4', []]], b'1234'))",
    ),
    _owner(
        "fits a jump",
        "P07",
        "jumps to an answer, and reports the gradient that would lead there",
        "if kind == 'step' and run.name == 'main':\n"
        "    run.count = getattr(run, 'count', 0) + 1\n"
        "    if run.count == 57:\n"
        "        lr = np.float32(run.settings['lr'])\n"
        "        for name in ('weight', 'bias'):\n"
        "            gradient = np.asarray(arrays['gradient/' + name])\n"
        "            before = np.asarray(arrays['after/' + name]) + lr * gradient\n"
        "            arrays['gradient/' + name] = gradient - before / lr\n"
        "            arrays['after/' + name] = before - lr * arrays['gradient/' + name]\n"
        "            run._parameters[name].data = arrays['after/' + name]\n",
        says="gradient",
    ),
    _owner(
        "one step of a hundred",
        "own",
        "one gradient is wrong, and the step that follows from it is right",
        "if kind == 'step' and run.name == 'main':\n"
        "    run.count = getattr(run, 'count', 0) + 1\n"
        "    if run.count == 73:\n"
        "        more = np.float32(0.002)\n"
        "        arrays['gradient/bias'] = np.asarray(arrays['gradient/bias']) + more\n"
        "        moved = np.float32(run.settings['lr']) * more\n"
        "        arrays['after/bias'] = np.asarray(arrays['after/bias']) - moved\n"
        "        run._parameters['bias'].data = arrays['after/bias']\n",
        says="gradient of bias is right in step 72",
    ),
]
TRICKS = [*_LANGUAGE, *_NUMPY, *_WIRE]

HARMLESS = {
    "a trace function": "import sys\nsys.settrace(lambda *words: None)\n",
    "no garbage collection": "import gc\ngc.disable()\n",
    "something at exit": "import atexit, os\natexit.register(os._exit, 1)\n",
    "a thread that sleeps": "import threading, time\n"
    "threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n",
    "strict about overflow": "np.seterr(over='raise', invalid='raise', divide='raise')\n",
    "gradients in Fortran order": _EACH.format("node.grad = np.asfortranarray(node.grad)"),
    "gradients that are read-only": _EACH.format("node.grad.flags.writeable = False"),
}
"""Odd, and right all the same."""
