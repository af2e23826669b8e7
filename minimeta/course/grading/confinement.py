"""What a process gives up, for good, before it runs a student's code. Linux only.

    files    Landlock: reads the folders that it is given, and writes nothing anywhere
    calls    seccomp: the system calls that computing needs, and no other. No socket, no new
             process, no signal to another, no shared memory, no lock, no change of a limit
    powers   no capability, no way to gain one by executing a file
    limits   processor time, memory, open files, and files of no length at all

Each function raises OSError if the kernel does not do what it is asked. Standard library only: this
file is copied to where the children run.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct

CALLS = {  # name: (number on x86_64, number on aarch64); -1 where there is none
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "stat": (4, -1),
    "lstat": (6, -1), "newfstatat": (262, 79), "statx": (332, 291), "lseek": (8, 62),
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "madvise": (28, 233), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "sigaltstack": (131, 132), "pread64": (17, 67), "readv": (19, 65),
    "writev": (20, 66), "access": (21, -1), "faccessat": (269, 48), "faccessat2": (439, 439),
    "dup": (32, 23), "open": (2, -1), "openat": (257, 56), "getdents64": (217, 61),
    "getcwd": (79, 17), "readlink": (89, -1), "readlinkat": (267, 78), "getpid": (39, 172),
    "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "futex": (202, 98), "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169),
    "times": (100, 153), "getrusage": (98, 165), "exit": (60, 93), "exit_group": (231, 94),
    "set_robust_list": (273, 99), "rseq": (334, 293), "getrandom": (318, 278),
    "sysinfo": (99, 179), "uname": (63, 160), "restart_syscall": (219, 128),
    "poll": (7, -1), "ppoll": (271, 73), "select": (23, -1), "pselect6": (270, 72),
    "membarrier": (324, 283),
}  # fmt: skip
CLONE, CLONE3, FCNTL, IOCTL, PRLIMIT = (56, 220), (435, 435), (72, 25), (16, 29), (302, 261)
THREAD = 0x10000  # CLONE_THREAD: another thread of this process, not another process
DUPLICATE_AND_FLAGS = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
IS_TERMINAL_AND_FLAGS = (0x5401, 0x5450, 0x5451)  # TCGETS, FIONCLEX, FIOCLEX
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH

LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06  # of classic BPF
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NO_NEW_PRIVILEGES, SECCOMP, DROP_BOUND, DEATH_SIGNAL, SUBREAPER = 38, 22, 24, 1, 36  # of prctl
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3  # of Landlock
NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x08000000, 0x10000000, 0x20000000, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)


def call(result, what):
    """The result of a C call; OSError if it says that the call failed."""
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def prctl(option, *values):
    """prctl(2)."""
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return call(libc.prctl(option, *padded), f"prctl {option}")


def die_with_parent():
    """This process is killed when its parent ends, and is the parent of all that it leaves."""
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    prctl(SUBREAPER, 1)


def separate():
    """Put the children of this process into name spaces of their own; True if the kernel let us."""
    flags = NEW_PID | NEW_NET | NEW_IPC
    return libc.unshare(flags) == 0 or libc.unshare(NEW_USER | flags) == 0


def limit(seconds, megabytes):
    """Limits that every Unix has: processor time, memory, files."""
    for what, bound in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, megabytes << 20),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (bound, bound))


def drop_powers():
    """Give up all capabilities, and that any program could have more rights than this one."""
    prctl(NO_NEW_PRIVILEGES, 1)
    for capability in range(64):
        libc.prctl(DROP_BOUND, ctypes.c_ulong(capability), 0, 0, 0)  # ends with those that exist
    header = struct.pack("=Ii", 0x20080522, 0)  # the layout of Linux 2.6.26, this process
    call(libc.capset(header, bytes(24)), "capset")


def landlock_version():
    """The version of Landlock in this kernel, 0 if it has none."""
    return max(0, libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def file_rules(paths):
    """A set of Landlock rules: files at or below the paths can be read, and none written."""
    version = landlock_version()
    if not version:
        raise OSError(errno.ENOSYS, "This kernel has no Landlock.")
    known = 13 + (version >= 2) + (version >= 3) + (version >= 5)  # rights on files, one bit each
    rights = struct.pack("=QQQ", (1 << known) - 1, 3, 3)  # files; TCP; signals and abstract sockets
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = call(libc.syscall(444, rights, ctypes.c_size_t(size), ctypes.c_uint32(0)), "landlock")
    for path in paths:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = READ_FILE | READ_FOLDER if os.path.isdir(path) else READ_FILE
        rule = struct.pack("=Qi", allowed, place)
        call(libc.syscall(445, rules, 1, rule, ctypes.c_uint32(0)), f"landlock rule for {path}")
        os.close(place)
    return rules


def close_files(rules):
    """From now on the rules hold for this process, for good."""
    prctl(NO_NEW_PRIVILEGES, 1)
    call(libc.syscall(446, rules, ctypes.c_uint32(0)), "landlock_restrict_self")
    os.close(rules)


def close_calls():
    """From now on only the system calls of CALLS work; others fail with EPERM (seccomp)."""
    if platform.machine() not in MACHINES:
        raise OSError(errno.ENOSYS, f"The system calls of {platform.machine()} are not known.")
    code = program(*MACHINES[platform.machine()])
    body = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    head = struct.pack("@HP", len(code), ctypes.addressof(body))
    buffer = ctypes.create_string_buffer(head)
    prctl(NO_NEW_PRIVILEGES, 1)
    prctl(SECCOMP, 2, ctypes.addressof(buffer))


def program(column, architecture):
    """The filter, lines (code, steps if true, steps if false, value) of classic BPF."""
    number, first, second, third = 0, 16, 24, 32  # where the call's number and arguments stand
    refuse = REFUSE | errno.EPERM
    lines = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)]
    lines += [(LOAD, 0, 0, number)]
    for numbers in CALLS.values():
        if numbers[column] >= 0:
            lines += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, ALLOW)]
    lines += [(EQUAL, 0, 1, CLONE3[column]), (RETURN, 0, 0, REFUSE | errno.ENOSYS)]
    tests = {
        CLONE[column]: [(LOAD, 0, 0, first), (ANY_BIT, 0, 1, THREAD), (RETURN, 0, 0, ALLOW)],
        FCNTL[column]: one_of(second, DUPLICATE_AND_FLAGS),
        IOCTL[column]: one_of(second, IS_TERMINAL_AND_FLAGS),
        PRLIMIT[column]: [  # to look at a limit: the address of a new one is 0
            *((LOAD, 0, 0, third), (EQUAL, 0, 3, 0)),
            *((LOAD, 0, 0, third + 4), (EQUAL, 0, 1, 0), (RETURN, 0, 0, ALLOW)),
        ],
    }
    for call_number, test in tests.items():
        test = [*test, (RETURN, 0, 0, refuse)]
        lines += [(EQUAL, 0, len(test), call_number), *test]
    return [*lines, (RETURN, 0, 0, refuse)]


def one_of(argument, values):
    """Lines that allow a call whose argument is one of the values."""
    lines = [(LOAD, 0, 0, argument)]
    for value in values:
        lines += [(EQUAL, 0, 1, value), (RETURN, 0, 0, ALLOW)]
    return lines
