# Work that may take long, such as reading the answer to a large batch, is done in slices, between which the loop goes on with
# other tasks. All such work of one client in one loop shares the time that a turn of the loop has for it.

cdef enum:
    TURN_TIME = 1_500_000                   # ns of a turn of the loop
    SLICE_TIME = 500_000                    # ns that one job gets at a time


cdef class Job:
    """Something to do. Its subclasses say what."""

    cdef bint in_line                       # whether it waits for its next slice
    cdef bint at_work
    cdef bint set_aside                     # whether it waits until `Slicer.resume`, as what it gives is not wanted yet

    cdef bint work(self, int64_t until) except -1:
        """Goes on until the time is over; returns whether nothing is left to do, for now."""
        raise NotImplementedError

    cdef int wait(self) except -1:
        """Is called before the job waits."""
        return 0


@cython.final
cdef class Slicer:
    """Does the jobs of a loop, each at once as far as the time of this turn goes, and the rest in the next turns.

    Args:
        loop: the loop.
    """

    cdef object loop
    cdef Fifo jobs                          # that wait for their next slice
    cdef int64_t until                      # when the slice ends that is under way; 0 while none is
    cdef int64_t spent                      # ns since `go_on` has run last, which is once in a turn if there is much to do
    cdef bint planned                       # whether `go_on` will run in the next turn

    def __cinit__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.jobs = Fifo()

    cdef int do(self, Job job) except -1:
        """Does a job, or as much of it as there is time for. Nothing happens if it is being done, or waits to be."""
        if job.in_line or job.at_work or job.set_aside:
            return 0
        if self.spent < TURN_TIME:
            self.work_on(job)
        else:
            self.put_in_line(job)
        self.plan()
        return 0

    cdef int resume(self, Job job) except -1:
        """Goes on with a job that was set aside; harmless if it was not."""
        job.set_aside = False
        return self.do(job)

    cdef int put_in_line(self, Job job) except -1:
        job.in_line = True
        self.jobs.push(job)
        job.wait()
        return 0

    cdef int work_on(self, Job job) except -1:
        """Gives a job one slice of time; a job that another one has done gets the rest of that one's slice."""
        cdef int64_t began = now_ns()
        cdef bint outermost = self.until == 0
        cdef bint done
        if outermost:
            self.until = began + SLICE_TIME
        job.at_work = True
        try:
            done = job.work(self.until)
        finally:
            job.at_work = False
            if outermost:
                self.until = 0
                self.spent += now_ns() - began
        if not done and job.set_aside:
            job.wait()
        elif not done:
            self.put_in_line(job)
        return 0

    cdef int plan(self) except -1:
        """Has `go_on` called if jobs wait, or if it is time to find out whether the turn is over."""
        if not self.planned and (self.jobs.count() or self.spent > TURN_TIME // 2):
            self.planned = True
            self.loop.call_soon(self.go_on)
        return 0

    def go_on(self) -> None:
        """Do more of the jobs that wait, in a new turn of the loop."""
        cdef Job job
        self.planned = False
        self.spent = 0
        try:
            while self.spent < TURN_TIME and self.jobs.count():
                job = <Job>self.jobs.take()
                job.in_line = False
                self.work_on(job)
        finally:
            self.plan()
