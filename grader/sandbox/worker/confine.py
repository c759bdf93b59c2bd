"""What the kernel keeps a worker from, once NumPy is loaded and before student code is.

Two halves that need each other, no root and no other program: Landlock closes the files, seccomp
closes the calls. Nothing that is given up here can be had back. Linux only, x86-64 and arm64; on
anything else, and when the kernel refuses, OSError: a worker that was to be confined and is not
does not run student code.

Sources: landlock(7), seccomp(2), linux/landlock.h, linux/seccomp.h, asm/unistd.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterable

MIN_LANDLOCK = 3  # before it, a file that may be read may be emptied with O_TRUNC

_Calls = dict[str, tuple["int | None", "int | None"]]  # by name: on x86-64, on arm64


def _calls(table: str) -> _Calls:
    """TABLE: "name number number, ..."; "-" where there is no such call. Lines with # are prose."""
    text = " ".join(line for line in table.splitlines() if "#" not in line)
    rows = [row.split() for row in text.split(",") if row.strip()]
    return {name: (_number(x86), _number(arm)) for name, x86, arm in rows}


def _number(text: str) -> int | None:
    return int(text) if text != "-" else None


# Not permitted.
_DENIED = _calls("""
  # Other processes, and more of our own:
    fork 57 -, vfork 58 -, execve 59 221, execveat 322 281, ptrace 101 117,
    process_vm_readv 310 270, process_vm_writev 311 271, process_madvise 440 440,
    pidfd_open 434 434, pidfd_getfd 438 438, pidfd_send_signal 424 424, kcmp 312 272,
    tkill 200 130, rt_sigqueueinfo 129 138, rt_tgsigqueueinfo 297 240, setpriority 141 140,
    ioprio_set 251 30, sched_setparam 142 118, sched_setscheduler 144 119,
    sched_setaffinity 203 122, sched_setattr 314 274, migrate_pages 256 238, move_pages 279 239,
  # The network, and everything that outlives a process or escapes its memory limit:
    socket 41 198, io_uring_setup 425 425, io_uring_enter 426 426, io_uring_register 427 427,
    memfd_create 319 279, memfd_secret 447 447, shmget 29 194, shmat 30 196, shmctl 31 195,
    semget 64 190, semop 65 193, semctl 66 191, semtimedop 220 192, msgget 68 186, msgsnd 69 189,
    msgrcv 70 188, msgctl 71 187, mq_open 240 180, mq_unlink 241 181, keyctl 250 219,
    add_key 248 217, request_key 249 218,
  # What Landlock has no word for:
    truncate 76 45, setxattr 188 5, lsetxattr 189 6, fsetxattr 190 7, removexattr 197 14,
    lremovexattr 198 15, fremovexattr 199 16, mknod 133 -, mknodat 259 33, inotify_init 253 -,
    inotify_init1 294 26, fanotify_init 300 262, open_by_handle_at 304 265,
    name_to_handle_at 303 264,
  # The machine:
    mount 165 40, umount2 166 39, pivot_root 155 41, chroot 161 51, move_mount 429 429,
    open_tree 428 428, fsopen 430 430, fsconfig 431 431, fsmount 432 432, fspick 433 433,
    mount_setattr 442 442, unshare 272 97, setns 308 268, bpf 321 280, perf_event_open 298 241,
    userfaultfd 323 282, init_module 175 105, finit_module 313 273, delete_module 176 106,
    kexec_load 246 104, kexec_file_load 320 294, reboot 169 142, swapon 167 224, swapoff 168 225,
    acct 163 89, quotactl 179 60, quotactl_fd 443 443, settimeofday 164 170,
    clock_settime 227 112, clock_adjtime 305 266, adjtimex 159 171, sethostname 170 161,
    setdomainname 171 162, iopl 172 -, ioperm 173 -, modify_ldt 154 -, syslog 103 116,
    personality 135 92, vhangup 153 58, uselib 134 -,
""")
# Done, says the kernel, and does nothing. Landlock cannot keep a process from the modes and times
# of files that it may not even read; shutil.copy() in an honest solution must still work.
_PRETENDED = _calls("""
    chmod 90 -, fchmod 91 52, fchmodat 268 53, fchmodat2 452 452, chown 92 -, fchown 93 55,
    lchown 94 -, fchownat 260 54, utime 132 -, utimes 235 -, futimesat 261 -, utimensat 280 88,
""")
_LEAVING: _Calls = {"setsid": (112, 157), "setpgid": (109, 154)}
# To itself only: their first argument is a process.
_OWN: _Calls = {"kill": (62, 129), "tgkill": (234, 131)}
_PRLIMIT: tuple[int, int] = (302, 261)
_CLONE: tuple[int, int] = (56, 220)
_CLONE3 = 435
_LAST_KNOWN_CALL = 462  # mseal, Linux 6.10: what is newer does not exist in here
_CLONE_THREAD = 0x10000

_ARCHITECTURES = {"x86_64": (0, 317, 0xC000003E), "aarch64": (1, 277, 0xC00000B7)}
_LOAD, _EQUAL, _GREATER, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000

_PARENT_DEATH_SIGNAL = 1
_NO_NEW_PRIVILEGES = 38
_CAPSET = (126, 91)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR, _WRITE_FILE, _TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14
_EXECUTE_TO_TRUNCATE = (1 << 15) - 1
_DEVICE_CALLS = 1 << 15
# Write, read, list, remove, make folders, files and links, rename, truncate. No devices, pipes,
# sockets: who opens one of those from outside would wait.
_SCRATCH = 0b111_0001_1011_1110
_TCP = 0b11
_SIGNALS_AND_SOCKETS = 0b11


def landlock_version() -> int:
    """Of the kernel's Landlock, 0 without. Changes nothing."""
    try:
        _architecture()
        return _syscall(_CREATE_RULESET, None, 0, 1)
    except OSError:  # switched off, not built in, or not Linux
        return 0


def no_new_privileges() -> None:
    """From here on no program that is started gains anything: sudo is an ordinary program."""
    _prctl(_NO_NEW_PRIVILEGES, 1)


def die_with_parent() -> None:
    """SIGKILL for this process when the one that started it ends, however it ends."""
    _prctl(_PARENT_DEATH_SIGNAL, 9)


def drop_capabilities() -> None:
    """Root keeps its name and loses its powers. Nothing to do for anybody else."""
    header = struct.pack("<Ii", 0x20080522, 0)
    _syscall(_CAPSET[_architecture()[0]], ctypes.c_char_p(header), ctypes.c_char_p(bytes(24)))


def close_files(readable: Iterable[str], listed: Iterable[str], writable: Iterable[str]) -> None:
    """Only these stay open: to read, to list the names in, to write. TCP and signals are closed too.

    Files that are open already stay open. Paths that do not exist are left out.
    """
    version = landlock_version()
    if version < MIN_LANDLOCK:
        raise OSError(errno.ENOSYS, f"Landlock {MIN_LANDLOCK} is needed, the kernel has {version}")
    handled = _EXECUTE_TO_TRUNCATE | (_DEVICE_CALLS if version >= 5 else 0)
    attribute = struct.pack(
        "<QQQ", handled, _TCP if version >= 4 else 0, _SIGNALS_AND_SOCKETS if version >= 6 else 0
    )
    # A kernel refuses more bytes than it knows, unless they are zero.
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _syscall(_CREATE_RULESET, ctypes.c_char_p(attribute), size, 0)
    try:
        for path in readable:
            _allow(rules, path, _READ_FILE | _READ_DIR)
        for path in listed:
            _allow(rules, path, _READ_DIR)
        for path in writable:
            _allow(rules, path, _SCRATCH)
        _syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not os.path.isdir(path):  # pathlib costs 10 ms
            access &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = struct.pack("<Qi", access, handle)
        _syscall(_ADD_RULE, rules, 1, ctypes.c_char_p(rule), 0)
    finally:
        os.close(handle)


def close_calls() -> None:
    """Refuse every call that reaches beyond this process, in all its threads, for ever."""
    column, _, architecture = _architecture()
    # 32-bit calls have other numbers; what is newer than the tables, the calls of x32 too, is not
    # there.
    code = _begin(architecture, otherwise=_KILL)
    code += [
        _instruction(_GREATER, _LAST_KNOWN_CALL, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
    ]
    code += _answers(_DENIED, column, _ERRNO | errno.EPERM)
    code += _answers(_PRETENDED, column, _ERRNO)
    # glibc falls back to clone, whose flags can be read: threads run, processes cannot begin.
    code += _answers({"clone3": (_CLONE3, _CLONE3)}, column, _ERRNO | errno.ENOSYS)
    first_argument_is = [(numbers[column], _EQUAL, os.getpid()) for numbers in _OWN.values()]
    first_argument_is += [(_PRLIMIT[column], _EQUAL, 0), (_CLONE[column], _ANY_BIT, _CLONE_THREAD)]
    for number, test, value in first_argument_is:
        assert number is not None
        code += [
            _instruction(_EQUAL, number, 0, 4),
            _instruction(_LOAD, 16),
            _instruction(test, value, 0, 1),
            _instruction(_RETURN, _ALLOW),
            _instruction(_RETURN, _ERRNO | errno.EPERM),
        ]
    _install(code)


def stay_in_session() -> None:
    """What this process starts cannot leave its session, so that one signal ends all of it.

    setsid() and setpgid() say that they did it, and do nothing.
    """
    column, _, architecture = _architecture()
    _install(_begin(architecture, otherwise=_ALLOW) + _answers(_LEAVING, column, _ERRNO))


def _begin(architecture: int, otherwise: int) -> list[bytes]:
    """Load the number of the call; OTHERWISE for calls of another architecture."""
    return [
        _instruction(_LOAD, 4),
        _instruction(_EQUAL, architecture, 1, 0),
        _instruction(_RETURN, otherwise),
        _instruction(_LOAD, 0),
    ]


def _answers(calls: _Calls, column: int, answer: int) -> list[bytes]:
    code = []
    for number in (numbers[column] for numbers in calls.values()):
        if number is not None:
            code += [_instruction(_EQUAL, number, 0, 1), _instruction(_RETURN, answer)]
    return code


def _install(code: list[bytes]) -> None:
    """One comparison and one answer per call: 220 instructions cost some 0.1 us per system call."""
    program = b"".join([*code, _instruction(_RETURN, _ALLOW)])
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    # 1, 1: a filter, for all threads.
    _syscall(_architecture()[1], 1, 1, ctypes.c_char_p(described))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _architecture() -> tuple[int, int, int]:
    """Column of the tables, number of seccomp(2), name in the filter."""
    machine = os.uname().machine if sys.platform == "linux" else sys.platform
    if machine not in _ARCHITECTURES or sys.maxsize < 2**32:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    return _ARCHITECTURES[machine]


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, f"prctl {option} is a call of Linux")
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise _last_error(f"prctl {option}")


def _syscall(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *given)
    if result < 0:
        raise _last_error(f"system call {number}")
    return result


def _last_error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
