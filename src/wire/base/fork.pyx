# What happens at a fork, by Python's `os.fork` or by C code that Python does not see (uWSGI).
#
# libc runs the handlers below in every fork. In the child they replace the sockets of the parent before any other code runs
# there, and set a note that this process is a child. Every use of a client looks at that note first (`heed_fork`) and calls
# the listener, `pyspike.process.fork`, which has all objects of the process start over. Not here: `vfork`, which runs no
# handlers and is followed by an `exec`.

cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    int pthread_mutex_lock(pthread_mutex_t* mutex)
    int pthread_mutex_unlock(pthread_mutex_t* mutex)
    int pthread_atfork(void (*prepare)() noexcept, void (*parent)() noexcept, void (*child)() noexcept)


cdef extern from "sys/stat.h" nogil:
    struct stat_s "stat":
        unsigned long st_ino
        unsigned int st_mode
    int fstat(int fd, stat_s* status)
    bint S_ISSOCK(unsigned int mode)


cdef extern from "fcntl.h" nogil:
    int O_RDONLY, F_SETFD, FD_CLOEXEC
    int open_fd "open"(const char* path, int flags)
    int fcntl(int fd, int command, ...)


cdef extern from "unistd.h" nogil:
    int dup2_fd "dup2"(int old, int new)
    int usleep(unsigned int microseconds)


cdef extern from *:
    """
    static pthread_mutex_t pyspike_owned_lock = PTHREAD_MUTEX_INITIALIZER;
    static int pyspike_fork_note;
    #define fork_note_get() __atomic_load_n(&pyspike_fork_note, __ATOMIC_ACQUIRE)
    #define fork_note_set(to) __atomic_store_n(&pyspike_fork_note, to, __ATOMIC_RELEASE)
    static inline int fork_note_take(int from, int to)
    {
        return __atomic_compare_exchange_n(&pyspike_fork_note, &from, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    }
    """
    pthread_mutex_t pyspike_owned_lock      # guards `owned`; held for a few instructions, and by a thread while it forks
    int fork_note_get() noexcept nogil
    void fork_note_set(int to) noexcept nogil
    bint fork_note_take(int before, int to) noexcept nogil


cdef enum ForkNote:
    HEEDED                                  # this process is no child of a fork, or has started over
    UNHEEDED                                # it is the child of a fork and has not started over
    BEING_HEEDED                            # a thread calls the listener


cdef struct Owned:                          # a socket of this process alone
    uint64_t ticket                         # 0: none
    unsigned long inode                     # of the socket: shows whether the descriptor still is this socket


cdef Owned* owned = NULL                    # indexed by descriptor
cdef int owned_size = 0
cdef uint64_t last_ticket = 0
cdef uint64_t forks = 0                     # between the first process and this one; tells what was made in another one
cdef object fork_listener = None
cdef unsigned long fork_heeder = 0          # the thread that calls the listener


# --- the sockets ---

cdef int grow_owned(int fd) except -1:
    """Makes room for a descriptor. Memory is allocated and freed without the lock, because a fork waits for the lock."""
    global owned, owned_size
    cdef int size = max(64, 2 * fd)
    cdef Owned* larger = <Owned*>PyMem_RawMalloc(size * sizeof(Owned))
    cdef Owned* smaller
    if larger == NULL:
        raise MemoryError
    memset(larger, 0, size * sizeof(Owned))
    pthread_mutex_lock(&pyspike_owned_lock)
    if owned_size < size:
        if owned != NULL:
            memcpy(larger, owned, owned_size * sizeof(Owned))
        smaller = owned
        owned = larger
        owned_size = size
    else:                                   # another thread was quicker
        smaller = larger
    pthread_mutex_unlock(&pyspike_owned_lock)
    PyMem_RawFree(smaller)
    return 0


cpdef uint64_t own_socket(int fd) except 0:
    """Register a socket, which every child of this process then drops without the server's notice.

    In the child `/dev/null` takes the descriptor's number, because an object that still has the number may close it later.
    Returns the ticket by which `disown_socket` knows the registration.

    Raises:
        OSError: there is no such descriptor.
    """
    global last_ticket
    cdef stat_s status
    cdef uint64_t ticket
    if fstat(fd, &status):
        raise OSError(errno, strerror(errno).decode())
    if fd >= owned_size:
        grow_owned(fd)
    pthread_mutex_lock(&pyspike_owned_lock)
    last_ticket += 1
    ticket = last_ticket
    owned[fd].ticket = ticket
    owned[fd].inode = status.st_ino
    pthread_mutex_unlock(&pyspike_owned_lock)
    return ticket


cpdef void disown_socket(int fd, uint64_t ticket) noexcept:
    """Undo `own_socket` before the socket is closed; does nothing if the descriptor is registered with another ticket."""
    pthread_mutex_lock(&pyspike_owned_lock)
    if 0 <= fd < owned_size and owned[fd].ticket == ticket:
        owned[fd].ticket = 0
    pthread_mutex_unlock(&pyspike_owned_lock)


# --- libc's handlers: they may only make calls that need no lock, as another thread may hold any lock during the fork ---

cdef void before_fork() noexcept nogil:
    pthread_mutex_lock(&pyspike_owned_lock)


cdef void after_fork_in_parent() noexcept nogil:
    pthread_mutex_unlock(&pyspike_owned_lock)


cdef void after_fork_in_child() noexcept nogil:
    global forks
    forks += 1
    let_go_of_sockets()
    fork_note_set(UNHEEDED)
    pthread_mutex_unlock(&pyspike_owned_lock)


cdef void let_go_of_sockets() noexcept nogil:
    cdef stat_s status
    cdef int fd
    cdef int nothing
    cdef bint spare                         # whether `nothing` has another number than the sockets, and is closed in the end
    if owned_size == 0:
        return
    nothing = open_fd("/dev/null", O_RDONLY)
    spare = nothing >= 0
    for fd in range(owned_size):
        if owned[fd].ticket == 0:
            continue
        owned[fd].ticket = 0
        if fstat(fd, &status) or not S_ISSOCK(status.st_mode) or status.st_ino != owned[fd].inode:
            continue                        # the socket was closed without `disown_socket`
        if nothing >= 0:
            dup2_fd(nothing, fd)
        else:                               # no descriptor was free: closing the socket frees its number
            close_fd(fd)
            nothing = open_fd("/dev/null", O_RDONLY)
        fcntl(fd, F_SETFD, FD_CLOEXEC)
    if spare:
        close_fd(nothing)


# --- starting over in a child ---

cdef inline int heed_fork() except -1:
    """Has a child process start over if it has not done so; in all other processes this only reads a number."""
    if fork_note_get() != HEEDED:
        return begin_anew()
    return 0


cdef int begin_anew() except -1:
    """Calls the listener once; other threads that come meanwhile wait until it has returned."""
    global fork_heeder
    while fork_note_get() != HEEDED:
        if fork_note_take(UNHEEDED, BEING_HEEDED):
            fork_heeder = get_ident()
            try:
                if fork_listener is not None:
                    fork_listener()
            finally:
                fork_note_take(BEING_HEEDED, HEEDED)
            return 0
        if fork_heeder == get_ident():      # the listener itself uses a client
            return 0
        with nogil:
            usleep(500)
    return 0


def on_fork(listener: Callable[[], object]) -> None:
    """Have a function without arguments called once in each child of a fork, when a client is first used there."""
    global fork_listener
    fork_listener = listener


def after_fork() -> None:
    """Start over if this process is the child of a fork and has not done so; every use of a client calls this first."""
    heed_fork()


if pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child):
    raise MemoryError
