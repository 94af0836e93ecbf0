# Runs the commands of one client in one loop: which channel sends a command. Batches are in `batch_executor.pyx`, and which
# loop runs a command is in `executor.pyx`.

cdef class LoopExecutor(Deadlines):
    """All channels of one client in one loop.

    Each node has up to six channels: reads, writes, large reads, large writes, batches, queries. So reads do not wait behind
    writes, which a replica that does not answer may hold up, and small requests and answers do not wait behind large ones. A
    subclass opens connections and decides what follows a failed attempt.

    Args:
        loop: the running loop.
        cluster: the cluster, whose `routing` has the current partition map.
    """

    cdef readonly bint refusing             # whether no command may begin any more
    cdef readonly bint closed               # whether no attempt may begin any more
    cdef readonly FailureQueue failures
    cdef readonly Slicer slicer
    cdef readonly set batches               # LoopBatches that are under way
    cdef readonly set streams               # LoopStreams and LoopQueries that have not ended
    cdef Routing routing                    # the cluster's
    cdef tuple channels                     # dicts of Node -> Channel, by the kind of channel
    cdef readonly dict large                # (namespace, set) of large records: see Channel

    def __cinit__(self, loop: asyncio.AbstractEventLoop, cluster: Any, *args: Any, **kwargs: Any) -> None:
        self.routing = cluster.routing
        self.failures = FailureQueue(loop)
        self.slicer = Slicer(loop)
        self.batches = set()
        self.streams = set()
        self.channels = ({}, {}, {}, {}, {}, {})
        self.large = {}

    def new_channel(self, node: Node, kind: int) -> Channel:
        """Make a channel to a node; a subclass does.

        Args:
            node: the node.
            kind: what the channel is for: `FOR_READS` and so on.
        """
        raise NotImplementedError

    def failed(self, future: Future, error: AerospikeError) -> None:
        """Decide what follows a failed attempt of a command; a subclass does."""
        raise NotImplementedError

    def refuse(self) -> None:
        """Let no command begin any more; commands under way go on."""
        self.refusing = True

    def stop(self) -> None:
        """Let no attempt begin any more, stop the timer, and drop the cluster's partition map."""
        self.refusing = self.closed = True
        self.stop_timer()
        self.routing = Routing()

    def all_channels(self) -> list[Channel]:
        """Return all channels of the loop."""
        return [channel for channels in self.channels for channel in (<dict>channels).values()]

    def warm_up(self, nodes: Iterable[Node]) -> None:
        """Have the connections for reads and writes opened to these nodes that the policy wants to be there in advance."""
        for node in nodes:
            if (<Node?>node).limits.min_connections and (<Node>node).active:
                self.channel_to(<Node>node, FOR_READS).fill()
                self.channel_to(<Node>node, FOR_WRITES).fill()

    def forget(self, Channel channel not None) -> None:
        """Remove a channel."""
        cdef dict channels = <dict>self.channels[channel.kind]
        if channels.get(channel.node) is channel:   # it may have been replaced by another channel
            del channels[channel.node]

    @property
    def is_draining(self) -> bool:
        """Whether attempts have failed that are yet to be dealt with, or other work waits for its slice of time."""
        return self.failures.entries.count() > 0 or self.slicer.jobs.count() > 0

    @property
    def is_busy(self) -> bool:
        """Whether any command or batch is under way."""
        if self.is_draining or self.batches or any([stream.is_awaited for stream in self.streams]):
            return True
        return any([channel.is_busy for channel in self.all_channels()])

    cdef bint holds_up(self, Command command) except -1:
        """Whether the command would hold up commands behind it: its request is large, or its answer probably is."""
        if command.out.size > PIPELINE_BUFFER:
            return True
        if not self.large or command.key is None or not command.reader.reads_bins:
            return False
        return (command.key.namespace, command.key.set_name) in self.large

    cdef Future begin(self, Command command):
        """Begins the first attempt, and returns the future of what the command gives."""
        cdef Future future = Future.__new__(Future)
        future.wakeups = self.wakeups
        future.command = command
        self.begin_attempt(future)
        return future

    def start(self, Command command not None) -> Future:
        """Begin the first attempt and return the future of what the command gives."""
        return self.begin(command)

    def attempt(self, Future future not None) -> None:
        """Begin another attempt. A result ends in the future; an error goes to `failed`."""
        self.begin_attempt(future)

    cdef int begin_attempt(self, Future future) except -1:
        cdef Command command = future.command
        cdef Node node
        cdef int64_t now
        heed_fork()
        now = begin_attempt(command)
        future.tried_at = now
        future.sent_before = command.sent
        try:
            node = self.routing.current().route(command.namespace, &command.target)
            if node is None:
                raise no_owner(command)
        except errors.AerospikeError as error:
            note_failure(command, None, error, now, False)
            self.failed(future, error)
            return 0
        self.plan(command, now)
        self.channel_to(node, command.write + (FOR_LARGE_READS if self.holds_up(command) else FOR_READS)).submit(future)
        return 0

    cdef Channel channel_to(self, Node node, int kind):
        """Returns the channel of a kind to a node."""
        cdef dict channels = <dict>self.channels[kind]
        channel = channels.get(node)
        if channel is None or (<Channel>channel).closed:    # closed: its connections were lost in a fork
            channel = channels[node] = self.new_channel(node, kind)
        return <Channel>channel
