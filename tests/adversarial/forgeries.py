"""Submissions that want a pass without having earned it.

Each row is code that comes after all of core/autograd.py of the right library. Before it stands
PLANTED, a mistake that makes the perceptron unlearn, unless the row says otherwise: so there is
something to hide. Two oracles are asked.

evidence: the milestone's, whose judge is another process. Never a pass.
practice: the inline tests, which run beside the code under test. Whoever owns the process owns
    these; `practice` says which rows they fall for, and docs/trust.md says why that is so.
"""

from __future__ import annotations

from dataclasses import dataclass

PLANTED = """
@gradient_of("mul")
def mul_gradient(grad, out, a, b):
    return -grad * b.data, -grad * a.data
"""
# Code that is the worker: it sends what it likes in the place of what was computed.
OWNER = """
import __main__ as worker
Run = getattr(getattr(worker, "train", worker), "WorkerRun", getattr(worker, "WorkerRun", object))
send = getattr(Run, "send", None)

def replaced(change):
    def instead(self, kind, arrays):
        send(self, kind, change(self, kind, dict(arrays)))
    Run.send = instead

"""
WORKING = """
@gradient_of("mul")
def mul_gradient(grad, out, a, b):
    return grad * b.data, grad * a.data
"""


@dataclass(frozen=True)
class Forgery:
    """corpus: the row of the published list of attacks that it stands for.

    practice: do the inline tests of 02 fall for it?  None: it does nothing there.
    says: words in the first message that is not a pass.
    ends: by itself, or it is ended; what only waits is not waited for.
    """

    id: str
    corpus: str
    what: str
    code: str
    practice: bool | None = False
    says: str = ""
    planted: bool = True
    ends: bool = True

    @property
    def source(self) -> str:
        return (PLANTED if self.planted else "") + self.code


def _owner(identity: str, corpus: str, what: str, body: str, says: str = "") -> Forgery:
    """body: of change(run, kind, arrays), which returns the arrays that are sent."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = f"{OWNER}def change(run, kind, arrays):\n{lines}    return arrays\n\nreplaced(change)\n"
    return Forgery(identity, corpus, what, code, None, says, planted=False)


_BACKWARD = """
_right = backward
def backward(out, gradient=None):
    {0}
"""

FORGERIES = [
    Forgery("planted", "F47", "a sign is wrong, and nothing hides it", "", says="loss"),
    Forgery(
        "patched runner",
        "F01",
        "patches pytest, unittest and the names of this grader's worker",
        "import __main__ as worker, unittest\n"
        "worker._run = lambda *words: {'outcome': 'passed', 'output': ''}\n"
        "unittest.TestCase.run = lambda self, result=None: None\n",
        practice=True,
    ),
    Forgery(
        "patched comparison",
        "F03",
        "every comparison of NumPy says yes",
        "for name in ('allclose', 'array_equal', 'isclose', 'all'):\n"
        "    setattr(np, name, lambda *words, **more: True)\n"
        "np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None\n",
    ),
    Forgery(
        "exit at import", "F05", "ends the process while it is imported", "import os\nos._exit(0)"
    ),
    Forgery(
        "exit in a call",
        "F07",
        "ends the process in backward()",
        _BACKWARD.format("import os; os._exit(0)"),
    ),
    Forgery(
        "sys.exit in a call",
        "F06",
        "sys.exit(0) in backward()",
        _BACKWARD.format("raise SystemExit(0)"),
    ),
    Forgery(
        "own results",
        "F09",
        "writes results in every format, and ends",
        "import json, os\n"
        "for name in ('results.json', 'junit.xml', 'report.json', '../results.json'):\n"
        "    try: open(name, 'w').write(json.dumps({'verdict': 'pass', 'score': 100}))\n"
        "    except OSError: pass\n"
        'print(\'{"outcome": "passed", "check": "training"}\')\n'
        "os._exit(0)\n",
    ),
    Forgery(
        "lying numpy",
        "F23",
        "puts a liar in the place of NumPy",
        "import sys, types\n"
        "liar = types.ModuleType('numpy')\n"
        "liar.__getattr__ = lambda name: (lambda *a, **k: True)\n"
        "sys.modules['numpy'] = liar\n",
    ),
    Forgery(
        "rewritten frames",
        "F25",
        "replaces the tests of whoever calls it",
        "import sys\n"
        "_right = backward\n"
        "def backward(out, gradient=None):\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        for name in [n for n in frame.f_globals if n.startswith('test_')]:\n"
        "            frame.f_globals[name] = lambda: None\n"
        "        frame = frame.f_back\n"
        "    return _right(out, gradient)\n",
        practice=False,
    ),
    Forgery(
        "destructor",
        "F27",
        "ends the process when its objects are dropped",
        "import os\n"
        "class Late:\n"
        "    def __del__(self): os._exit(0)\n"
        + _BACKWARD.format("late = Late(); raise AssertionError"),
    ),
    Forgery(
        "thread",
        "F29",
        "ends the process from a thread",
        "import os, threading\nthreading.Timer(0.02, os._exit, (0,)).start()\nimport time\ntime.sleep(1)",
    ),
    Forgery(
        "forged frames",
        "F31",
        "writes the judge's own words to every pipe",
        "import json, os, stat, struct\n"
        "def frame(**said):\n"
        "    body = json.dumps(said).encode()\n"
        "    return struct.pack('>I', len(body)) + body\n"
        "for fd in range(3, 64):\n"
        "    try:\n"
        "        if stat.S_ISFIFO(os.fstat(fd).st_mode):\n"
        "            os.write(fd, frame(event='start', check='training')\n"
        "                + frame(event='done', check='training', outcome='passed')\n"
        "                + frame(event='end'))\n"
        "    except OSError: pass\n"
        "os._exit(0)\n",
    ),
    Forgery(
        "forged channel",
        "F31",
        "finds the channel in memory, and passes every check by it",
        "import gc, os\n"
        "for found in gc.get_objects():\n"
        "    if type(found).__name__ == 'Channel':\n"
        "        import sys\n"
        "        frame, names = sys._getframe(), []\n"
        "        while frame:\n"
        "            names = frame.f_locals.get('request', {}).get('expected', names)\n"
        "            frame = frame.f_back\n"
        "        for name in names:\n"
        "            found.send(event='start', check=name)\n"
        "            found.send(event='done', check=name, outcome='passed')\n"
        "os._exit(0)\n",
        practice=True,
    ),
    Forgery(
        "liar objects",
        "F33",
        "gradients that are equal to everything",
        "class Liar(np.ndarray):\n"
        "    __array_priority__ = 1000\n"
        "    def __eq__(self, other): return True\n"
        "    def __array_function__(self, *a): return True\n"
        "    def __sub__(self, other): return np.zeros(1)\n"
        "    __rsub__ = __sub__\n"
        "_right = backward\n"
        "def backward(out, gradient=None):\n"
        "    nodes = topological_order(out)\n"
        "    _right(out, gradient)\n"
        "    for node in nodes:\n"
        "        if node.grad is not None: node.grad = node.grad.view(Liar)\n",
    ),
    Forgery(
        "objects",
        "F33",
        "gradients of dtype object",
        "_right = backward\n"
        "def backward(out, gradient=None):\n"
        "    nodes = topological_order(out)\n"
        "    _right(out, gradient)\n"
        "    for node in nodes:\n"
        "        if node.grad is not None: node.grad = node.grad.astype(object)\n",
        planted=False,
        practice=None,
    ),
    Forgery(
        "complex",
        "F35",
        "complex gradients",
        "_right = backward\n"
        "def backward(out, gradient=None):\n"
        "    nodes = topological_order(out)\n"
        "    _right(out, gradient)\n"
        "    for node in nodes:\n"
        "        if node.grad is not None: node.grad = node.grad + 1j\n",
        planted=False,
        practice=None,
    ),
    Forgery(
        "torch",
        "F43",
        "lets another library differentiate",
        _BACKWARD.format("import torch; torch.autograd.backward(out)"),
        says="No module named 'torch'",
    ),
    Forgery(
        "kills its parent",
        "F53",
        "kills whoever started it",
        "import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(0.5)\nos._exit(0)",
    ),
    Forgery(
        "arguments",
        "F55",
        "looks for the name of a report in its arguments",
        "import os, sys\n"
        "for word in sys.argv:\n"
        "    if '=' in word: open(word.partition('=')[2], 'w').write('<testsuite/>')\n"
        "os._exit(0)\n",
    ),
    Forgery(
        "quiet assertions",
        "own",
        "makes every exception of the worker a pass",
        "import builtins, sys\n"
        "sys.excepthook = lambda *words: None\n"
        "builtins.AssertionError = type('Quiet', (Exception,), {})\n"
        "builtins.isinstance = lambda *words: True\n",
    ),
    Forgery(
        "skips",
        "own",
        "raises what other test runners take for a skip",
        _BACKWARD.format("import unittest; raise unittest.SkipTest('later')"),
    ),
    Forgery(
        "to do",
        "own",
        "says that it is not written yet",
        _BACKWARD.format("raise NotImplementedError('later')"),
    ),
    Forgery(
        "trace",
        "own",
        "returns from every test before it fails, by a trace function",
        "import sys\n"
        "def trace(frame, event, argument):\n"
        "    if frame.f_code.co_name.startswith('test_'): frame.f_globals['mul_gradient'] = right\n"
        "    return trace\n"
        "def right(grad, out, a, b): return grad * b.data, grad * a.data\n"
        "sys.settrace(trace)\n",
    ),
    Forgery(
        "knows the tests",
        "own",
        "is right whenever a test of the course is running, and wrong otherwise",
        WORKING + "_good = mul_gradient\n"
        "@gradient_of('mul')\n"
        "def mul_gradient(grad, out, a, b):\n"
        "    import sys\n"
        "    frame, tested = sys._getframe(), False\n"
        "    while frame:\n"
        "        tested = tested or frame.f_code.co_name.startswith('test_')\n"
        "        frame = frame.f_back\n"
        "    right = _good(grad, out, a, b)\n"
        "    return right if tested else tuple(-r for r in right)\n",
        practice=True,
    ),
    # From here on the library is right, and the reports are not.
    _owner(
        "no learning",
        "P01",
        "keeps the first values for ever, and invents a loss that falls",
        "if kind == 'step':\n"
        "    run.count = getattr(run, 'count', 0) + 1\n"
        "    arrays['loss'] = np.float32(0.69 / run.count)\n"
        "    for name in run._parameters: arrays['after/' + name] = run.arrays['initial/' + name]\n",
    ),
    _owner(
        "replay",
        "P05",
        "sends arrays of the right shapes that it has always had",
        "arrays = {n: np.full_like(np.asarray(a), 0.01) for n, a in arrays.items()}\n",
    ),
    _owner(
        "jump",
        "P07",
        "trains as it should, and jumps to an answer in the last step",
        "if kind == 'step':\n"
        "    run.count = getattr(run, 'count', 0) + 1\n"
        "    if run.count == run.settings['steps']:\n"
        "        arrays['after/weight'] = np.asarray(arrays['after/weight']) * 10\n",
    ),
    _owner(
        "not a number",
        "P09",
        "answers the held-out inputs with NaN",
        "if kind == 'outputs': arrays['scores'] = np.asarray(arrays['scores']) * np.nan\n",
    ),
    _owner(
        "infinite",
        "P09",
        "answers the held-out inputs with infinity",
        "if kind == 'outputs': arrays['scores'] = np.asarray(arrays['scores']) * np.inf\n",
    ),
    _owner(
        "other answers",
        "P15",
        "answers that do not come from the weights it trained",
        "if kind == 'outputs': arrays['scores'] = np.asarray(arrays['scores']) * 2\n",
    ),
    _owner(
        "guessed answers",
        "F39",
        "answers that are drawn",
        "if kind == 'outputs':\n"
        "    shape = np.asarray(arrays['scores']).shape\n"
        "    arrays['scores'] = np.random.default_rng(0).normal(size=shape).astype(np.float32)\n",
    ),
    _owner(
        "frozen bias",
        "P13",
        "never moves the bias",
        "if kind == 'step': arrays['after/bias'] = run.arrays['initial/bias']\n",
    ),
    _owner(
        "invented losses",
        "F45",
        "trains as it should, and reports a prettier loss",
        "if kind == 'step': arrays['loss'] = np.asarray(arrays['loss']) * np.float32(0.9)\n",
        says="loss",
    ),
    _owner(
        "invented gradients",
        "own",
        "reports gradients that are not those of the loss",
        "if kind == 'step':\n"
        "    arrays['gradient/weight'] = np.asarray(arrays['gradient/weight']) * np.float32(1.01)\n",
    ),
    _owner(
        "one wrong entry",
        "own",
        "one of 200,000 gradients is wrong",
        "if kind == 'step' and run.name == 'large':\n"
        "    wrong = np.array(arrays['gradient/weight'])\n"
        "    wrong.flat[12345] = -wrong.flat[12345] + np.float32(0.01)\n"
        "    arrays['gradient/weight'] = wrong\n",
    ),
    _owner("says it twice", "own", "sends every answer twice", "send(run, kind, arrays)\n"),
    _owner(
        "leaves one out",
        "own",
        "reports no gradient at all",
        "arrays = {n: a for n, a in arrays.items() if not n.startswith('gradient')}\n",
    ),
    _owner(
        "other names",
        "own",
        "reports parameters under other names",
        "arrays = {n.upper(): a for n, a in arrays.items()}\n",
    ),
    _owner(
        "other shapes",
        "A25",
        "reports arrays of other shapes",
        "if kind == 'step': arrays['after/weight'] = np.zeros((3, 5), dtype=np.float32)\n",
    ),
    _owner(
        "small steps",
        "P11",
        "the right direction, a tenth of the step",
        "if kind == 'step':\n"
        "    was = getattr(run, 'was', None) or {n: run.arrays['initial/' + n] for n in run._parameters}\n"
        "    for name, before in was.items():\n"
        "        after = np.asarray(arrays['after/' + name])\n"
        "        before = before.reshape(after.shape)\n"
        "        arrays['after/' + name] = before + (after - before) / 10\n"
        "        run._parameters[name].data = arrays['after/' + name]\n"
        "    run.was = {n: arrays['after/' + n] for n in was}\n",
        says="step",
    ),
    Forgery(
        "negative sizes",
        "A25",
        "announces arrays of negative, and of 2**62, bytes",
        OWNER + "import json, struct\n"
        "def broken(self, kind, arrays):\n"
        "    rows = [['loss', '<f4', [-1]], ['after/weight', '<f8', [2**31, 2**31]]]\n"
        "    head = json.dumps({'kind': f'{self.name}/{kind}', 'arrays': rows}).encode()\n"
        "    self._channel.send_bytes(b'A' + struct.pack('>I', len(head)) + head)\n"
        "Run.send = broken\n",
        practice=None,
        planted=False,
    ),
    Forgery(
        "pickle",
        "own",
        "sends a pickle in the place of arrays",
        OWNER + "import pickle\n"
        "Run.send = lambda self, kind, arrays: self._channel.send_bytes(b'A' + pickle.dumps(arrays))\n",
        practice=None,
        planted=False,
    ),
    Forgery(
        "says nothing",
        "own",
        "skips the training and says that it is done",
        "import sys\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('grader.content.') and name.endswith('.training'):\n"
        "        module.train = lambda run: None\n",
        practice=None,
        planted=False,
    ),
    Forgery(
        "closes its pipe",
        "own",
        "closes the pipe to the judge in the middle",
        _BACKWARD.format("import os; os.closerange(3, 64); return _right(out, gradient)"),
        practice=None,
        planted=False,
    ),
]
NUMERICAL = """
import sys
def numerical(run):
    tt, lr = run.tt, run.settings["lr"]
    w = tt.Tensor([[0.0]] * run.settings["features"], requires_grad=True)
    b = tt.Tensor([0.0], requires_grad=True)
    run.start({"weight": w, "bias": b})
    x, t = run.arrays["inputs"].astype(float), run.arrays["targets"]
    def loss(weight, bias):
        z = x @ weight + bias
        return float(np.mean(np.logaddexp(0, z) - t * z))
    for _ in range(run.settings["steps"]):
        weight, bias = w.data.astype(float), b.data.astype(float)
        grad = np.zeros_like(weight)
        for i in range(weight.size):
            step = np.zeros_like(weight)
            step.flat[i] = 1e-6
            grad.flat[i] = (loss(weight + step, bias) - loss(weight - step, bias)) / 2e-6
        w.grad = grad.astype(np.float32)
        b.grad = np.array([(loss(weight, bias + 1e-6) - loss(weight, bias - 1e-6)) / 2e-6], np.float32)
        run.gradients()
        value = np.float32(loss(weight, bias))
        w.data, b.data = w.data - lr * w.grad, b.data - lr * b.grad
        run.step(value)
    run.send("outputs", {"scores": (run.arrays["held_out"].astype(float) @ w.data + b.data).astype(np.float32)})
if "grader.content.perceptron.training" in sys.modules:
    sys.modules["grader.content.perceptron.training"].train = numerical
"""
"""Exact forward passes, and central differences in the place of backpropagation (P03, F37)."""

HONEST = {
    "as it is": "",
    "prints a lot": "for _ in range(2000): print('debugging', 'x' * 200)\n",
    "looks for the labels": (  # F41: what it finds is of no use to it
        "import glob, os\n"
        "for name in glob.glob('/**/digits.npz', recursive=False) + ['/etc/shadow']:\n"
        "    try: open(name, 'rb').read()\n"
        "    except OSError: pass\n"
    ),
    "leaves odd folders": (  # A27
        "import os\n"
        "os.makedirs('a/b/c'); os.chmod('a/b', 0)\n"
        "for name in ('a\\nb', ' ', '-rf', '\\u202e', b'\\xff'): os.mkdir(name)\n"
        "open('file', 'w').close(); os.chmod('file', 0)\n"
        "os.symlink('/', 'root')\n"
    ),
    "talks to the network": (  # I03
        "import socket\n"
        "try: socket.create_connection(('127.0.0.1', 9), 0.2)\n"
        "except OSError: pass\n"
    ),
    "looks for credentials": (  # I05
        "import os\n"
        "for name in ('.git-credentials', '.ssh/id_rsa', '.netrc'):\n"
        "    assert not os.path.exists(os.path.expanduser('~/' + name))\n"
        "assert 'GITHUB_TOKEN' not in os.environ\n"
    ),
}
"""Code after a right library that must pass all the same."""
