# The system calls on sockets that blocking connections and asyncio's protocol need, and what these tell about a connection.

cdef extern from "sys/socket.h" nogil:
    ctypedef unsigned int socklen_t
    struct linger:
        int l_onoff
        int l_linger
    int SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, SO_LINGER, MSG_PEEK, MSG_DONTWAIT
    ssize_t send(int fd, const void* data, size_t size, int flags)
    ssize_t recv(int fd, void* data, size_t size, int flags)
    int SHUT_RDWR
    int shutdown(int fd, int how)
    int setsockopt(int fd, int level, int option, const void* value, socklen_t size)


cdef extern from "poll.h" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    short POLLIN, POLLOUT
    int poll(pollfd* fds, unsigned long count, int timeout)


cdef extern from "sys/time.h" nogil:
    struct timeval:
        time_t tv_sec
        suseconds_t tv_usec


cdef extern from *:
    """
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0                  /* macOS: SO_NOSIGPIPE, set when the socket is made */
    #endif
    """
    int MSG_NOSIGNAL


cdef extern from *:
    """
    #include <sys/ioctl.h>
    #ifdef __linux__
    #include <linux/sockios.h>
    #endif
    static int pyspike_unacknowledged(int fd)
    {
        int size = 0;
    #if defined(SIOCOUTQ)
        if (ioctl(fd, SIOCOUTQ, &size))
            return 0;
    #elif defined(SO_NWRITE)                /* macOS */
        socklen_t length = sizeof(size);
        if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &size, &length))
            return 0;
    #endif
        return size;
    }
    """
    int unacknowledged "pyspike_unacknowledged"(int fd) noexcept nogil     # bytes sent that the peer has not acknowledged


cdef extern from *:
    """
    static size_t pyspike_arrived(int fd)
    {
        int size = 0;
        return ioctl(fd, FIONREAD, &size) || size < 0 ? 0 : (size_t)size;
    }
    """
    size_t arrived "pyspike_arrived"(int fd) noexcept nogil     # bytes that were received and not read yet


cdef enum:
    CHECK_AFTER_IDLE = 1_000_000            # ns idle from which on a connection is checked before use; the check is cheap then


cdef inline bint is_readable(int fd) noexcept nogil:
    """Whether an idle connection is unusable: the server closed it, or sent bytes that belong to no request."""
    cdef unsigned char byte
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 or errno != EAGAIN


cdef void reset_when_closed(int fd) noexcept nogil:
    """Makes a later close of the socket a reset, by which the server's system drops the requests that it has not read."""
    cdef linger option
    option.l_onoff = 1
    option.l_linger = 0
    if fd >= 0:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof(option))
