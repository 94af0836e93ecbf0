# Which node owns which partition (cluster.md 11.3), and to which of the owners a command is sent next (cluster.md 11.4). A map
# never changes: tending makes a new map of the old map and the answers of the nodes, and puts it in the client's `Routing`,
# where executors read it.
#
# Not here: the text of the nodes' answers (`pyspike.cluster.info_answers`).

cdef enum:
    MAX_REPLICAS = 8                        # replica columns that a map keeps; replication factors are not larger in practice
    NO_NODE = -1
    NO_RANK = 255                           # of a node that is in none of the preferred racks
    ASKED_BEFORE = 256                      # is added to the rank of the node that was asked last
    # How the next attempt chooses a node after one that has failed: as with REPLICA_SEQUENCE, but where a replica is with a node
    # that the client does not know, as it is no seed, another node is asked, which passes the command on (cluster.md 11.4).
    REPLICA_ELSEWHERE = 100


cdef struct Target:                         # the partition that a command is for, and which replica of it is asked next
    int partition_id
    ReplicaChoice choice
    int replica                             # the replica that the next attempt asks; the master is 0
    bint has_other_node                     # whether another active node than the one that `route` chose has the partition too
    bint in_rack                            # whether that one, if it was chosen by racks, is in a preferred one


@cython.final
cdef class NamespaceMap:
    """The owners of one namespace's partitions, as indexes into `PartitionMap.nodes`."""

    cdef int replicas
    cdef bint strong                        # whether it has strong consistency
    cdef uint32_t regimes[PARTITIONS]
    cdef int16_t owners[MAX_REPLICAS][PARTITIONS]
    # The place of each node's rack among the preferred ones, by the same index as in `owners`; None if no racks are preferred.
    cdef bytes ranks

    cdef NamespaceMap copy(self):
        cdef NamespaceMap other = NamespaceMap.__new__(NamespaceMap)
        other.replicas = self.replicas
        other.strong = self.strong
        memcpy(other.regimes, self.regimes, sizeof(self.regimes))
        memcpy(other.owners, self.owners, sizeof(self.owners))
        other.ranks = self.ranks
        return other

    cdef inline int rank_of(self, int owner) noexcept:
        return (<const unsigned char*>PyBytes_AS_STRING(self.ranks))[owner] if owner < PyBytes_GET_SIZE(self.ranks) else NO_RANK


cdef object no_racks():
    return errors.InvalidArgument(
        "Replica.PREFER_RACK, but the client prefers no rack", advice="give the client's policy rack_ids"
    )


@cython.final
cdef class PartitionMap:
    """The owners of all partitions of all namespaces; immutable. `PartitionMap()` knows none."""

    cdef dict spaces                        # namespace -> NamespaceMap
    cdef list names                         # the keys of `spaces`, but for those with strong consistency
    cdef list maps                          # the values of the same
    cdef readonly tuple nodes               # the nodes that own a partition, or did; `owners` has indexes into it
    cdef readonly frozenset displaced       # the nodes that lost a partition in the update that made this map
    cdef unsigned int turn                  # where the next random choice begins

    def __cinit__(self) -> None:
        self.spaces = {}
        self.names = []
        self.maps = []
        self.nodes = ()
        self.displaced = frozenset()

    cdef int finish(self, list nodes) except -1:
        """Sets `nodes`, `names` and `maps` when the map's `spaces` is complete."""
        self.nodes = tuple(nodes)
        self.names = [name for name, space in self.spaces.items() if not (<NamespaceMap>space).strong]
        self.maps = [self.spaces[name] for name in self.names]
        return 0

    def updated(self, Node node not None, answers: Iterable[tuple[str, int, Sequence[bytes]]]) -> PartitionMap:
        """Return the map after `node` told which partitions it owns.

        Each partition that `node` claims is taken from its owner, unless the owner claimed it with a newer regime. All
        other partitions keep their owner.

        Args:
            node: the node that answered.
            answers: (namespace, regime, bitmaps) triples; there is a bitmap of 512 bytes for each replica, the master's
                first.

        Raises:
            ProtocolError: a bitmap has another size.
        """
        cdef PartitionMap result = PartitionMap.__new__(PartitionMap)
        cdef NamespaceMap space
        cdef const unsigned char* bits
        cdef int column, pid, owner, index
        cdef uint32_t regime
        cdef set lost = set()
        cdef list nodes = list(self.nodes)
        if node not in nodes:
            nodes.append(node)
        index = nodes.index(node)
        result.spaces = dict(self.spaces)
        for namespace, number, bitmaps in answers:
            regime = number
            known = result.spaces.get(namespace)
            if known is None:
                space = NamespaceMap.__new__(NamespaceMap)
                memset(space.owners, 0xFF, sizeof(space.owners))    # NO_NODE everywhere
                space.replicas = 0
                space.strong = False
            else:
                space = (<NamespaceMap>known).copy()
            for column, bitmap in enumerate(bitmaps[:MAX_REPLICAS]):
                if len(bitmap) != PARTITIONS // 8:
                    raise errors.ProtocolError(f"a partition bitmap of {len(bitmap)} bytes from node {node.name}")
                bits = <const unsigned char*>PyBytes_AS_STRING(bitmap)
                for pid in range(PARTITIONS):
                    if not bits[pid >> 3] & (0x80 >> (pid & 7)) or regime < space.regimes[pid]:
                        continue
                    space.regimes[pid] = regime
                    owner = space.owners[column][pid]
                    if owner != index:
                        if owner != NO_NODE:
                            lost.add(nodes[owner])
                        space.owners[column][pid] = <int16_t>index
            space.strong = space.strong or regime != 0      # nodes tell 0 of all others (strong-consistency.md 13.1)
            space.replicas = min(max(space.replicas, len(bitmaps)), MAX_REPLICAS)
            result.spaces[sys_intern(namespace)] = space
        result.finish(nodes)
        result.displaced = frozenset(lost)
        return result

    def without(self, gone: Collection[object]) -> PartitionMap:
        """Return the map after the nodes in `gone` left: their partitions have no owner until another node claims them."""
        cdef PartitionMap result = PartitionMap.__new__(PartitionMap)
        cdef NamespaceMap space
        cdef int column, pid, owner
        cdef int16_t moved[1 << 15]
        cdef list nodes = []
        for owner, node in enumerate(self.nodes):
            if node in gone:
                moved[owner] = NO_NODE
            else:
                moved[owner] = <int16_t>len(nodes)
                nodes.append(node)
        for namespace, known in self.spaces.items():
            space = (<NamespaceMap>known).copy()
            space.ranks = None              # they are for other indexes
            for column in range(space.replicas):
                for pid in range(PARTITIONS):
                    owner = space.owners[column][pid]
                    if owner != NO_NODE:
                        space.owners[column][pid] = moved[owner]
            result.spaces[namespace] = space
        result.finish(nodes)
        return result

    def preferring(self, rack_ids: Sequence[int], racks: Mapping[Any, Mapping[str, int]]) -> PartitionMap:
        """Return the map for a client that prefers racks; the same map if it is that already.

        Args:
            rack_ids: the preferred racks, the best first, up to 255 of them.
            racks: for each node, its rack in each namespace; what is left out is in no preferred rack.
        """
        cdef PartitionMap result
        cdef NamespaceMap space
        cdef dict places = {rack: place for place, rack in enumerate(rack_ids[:NO_RANK])}
        cdef dict ranks = {}
        cdef bint same = True
        for namespace, known in self.spaces.items():
            ranks[namespace] = bytes(
                [places.get(racks.get(node, {}).get(namespace), NO_RANK) for node in self.nodes]
            )
            same = same and ranks[namespace] == (<NamespaceMap>known).ranks
        if same:
            return self
        result = PartitionMap.__new__(PartitionMap)
        for namespace, known in self.spaces.items():
            space = (<NamespaceMap>known).copy()
            space.ranks = <bytes>ranks[namespace]
            result.spaces[namespace] = space
        result.finish(list(self.nodes))
        result.turn = self.turn
        return result

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The names of the namespaces."""
        return tuple(self.spaces)

    def is_strong(self, namespace: str) -> bool:
        """Return whether the namespace has strong consistency; False if it is unknown."""
        space = self.spaces.get(namespace)
        return space is not None and (<NamespaceMap>space).strong

    def replica_count(self, namespace: str) -> int:
        """Return how many replicas the namespace has, the master included; 0 if it is unknown."""
        space = self.spaces.get(namespace)
        return 0 if space is None else (<NamespaceMap>space).replicas

    def owner(self, namespace: str, int partition_id, int replica_index=0) -> Any:
        """Return the node that holds this replica of the partition, or None."""
        cdef NamespaceMap space = self.spaces.get(namespace)
        cdef int owner
        if space is None or not 0 <= replica_index < space.replicas or not 0 <= partition_id < PARTITIONS:
            return None
        owner = space.owners[replica_index][partition_id]
        return None if owner == NO_NODE else self.nodes[owner]

    def owns(self, node: object) -> bool:
        """Return whether the node holds any partition."""
        cdef NamespaceMap space
        cdef int column, pid, index
        if node not in self.nodes:
            return False
        index = self.nodes.index(node)
        for known in self.spaces.values():
            space = <NamespaceMap>known
            for column in range(space.replicas):
                for pid in range(PARTITIONS):
                    if space.owners[column][pid] == index:
                        return True
        return False

    cdef inline NamespaceMap quickly_found(self, str namespace):
        """Returns the map of a namespace without strong consistency; None if it has to be looked up.

        Names in programs are interned, so the name is mostly the same object as in `names`.
        """
        cdef Py_ssize_t i
        for i in range(PyList_GET_SIZE(self.names)):
            if PyList_GET_ITEM(self.names, i) == <PyObject*>namespace:     # borrowed: looked at and not kept
                return <NamespaceMap>PyList_GET_ITEM(self.maps, i)
        return None

    cdef inline bint lacks(self, str namespace):
        """Whether the cluster has other namespaces, but not this one."""
        return namespace not in self.spaces and len(self.spaces) > 0

    cdef inline Node route(self, str namespace, Target* target):
        """Returns the node to ask next for the target's partition; None if there is no active node. Sets `has_other_node`.

        Raises:
            ServerError: the cluster has no such namespace.
        """
        cdef Node node = self.route_to_owner(namespace, target)
        return self.any_node() if node is None else node

    cdef Node route_to_owner(self, str namespace, Target* target):
        """As `route`, but None if no active node has the partition."""
        cdef NamespaceMap space = self.quickly_found(namespace)
        cdef Node node
        if space is None:
            space = self.known(namespace)
            if space is None:
                return None
            if space.strong:
                return self.strict_owner_in(space, target)
        node = self.owner_in(space, target)
        if target.choice.policy == REPLICA_PREFER_RACK and node is not None:
            node.counters.count_choice(target.in_rack)
        return node

    cdef Node strict_owner_in(self, NamespaceMap space, Target* target):
        """As `owner_in`, for a namespace with strong consistency, whose reads choose by their mode too (strong-consistency.md
        13.2)."""
        cdef Node node
        target.choice.mode |= IN_STRONG
        if target.choice.mode == (MODE_SESSION | IN_STRONG):
            target.choice.policy = REPLICA_MASTER
        elif target.choice.mode == (MODE_LINEARIZE | IN_STRONG) and target.choice.policy == REPLICA_PREFER_RACK:
            target.choice.policy = REPLICA_SEQUENCE
        node = self.owner_in(space, target)
        if target.choice.mode == (MODE_LINEARIZE | IN_STRONG):
            target.has_other_node = False   # one that has no connection to spare is no reason to ask another
        if target.choice.policy == REPLICA_PREFER_RACK and node is not None:
            node.counters.count_choice(target.in_rack)
        return node

    cdef NamespaceMap known(self, str namespace):
        """The map of a namespace; None if no namespace is known yet.

        Raises:
            ServerError: the cluster has no such namespace.
        """
        cdef NamespaceMap space = self.spaces.get(namespace)
        if space is None and self.spaces:
            raise errors.from_code(ResultCode.INVALID_NAMESPACE)        # without asking a node
        return space

    cdef Node owner_in(self, NamespaceMap space, Target* target):
        """As `route_to_owner`, in the map of a namespace: for many partitions of one."""
        cdef Node node
        cdef int first, i, owner
        target.has_other_node = False
        if target.choice.policy != REPLICA_SEQUENCE:
            if target.choice.policy == REPLICA_MASTER:
                owner = space.owners[0][target.partition_id]
                if owner != NO_NODE and (<Node>self.nodes[owner]).active:
                    return <Node>self.nodes[owner]
                return None
            if target.choice.policy == REPLICA_PREFER_RACK:
                return self.nearest(space, target)
            if target.choice.policy == REPLICA_ELSEWHERE:
                return self.elsewhere(space, target)
            if target.replica == 0 and space.replicas:
                target.replica = <int>(self.turn % <unsigned int>space.replicas)    # from there on one after the other
                self.turn += 1
        first = target.replica
        for i in range(space.replicas):
            owner = space.owners[(first + i) % space.replicas][target.partition_id]
            if owner != NO_NODE:
                node = <Node>self.nodes[owner]
                if node.active:
                    target.replica += i
                    target.has_other_node = self.has_other(space, first + i, target.partition_id, owner)
                    return node
        return None

    cdef Node elsewhere(self, NamespaceMap space, Target* target):
        """As `owner_in`, for REPLICA_ELSEWHERE."""
        cdef int i, owner
        cdef Node node
        for i in range(target.replica, target.replica + space.replicas):
            owner = space.owners[i % space.replicas][target.partition_id]
            if owner == NO_NODE:
                node = self.no_owner(space, target.partition_id)
            else:
                node = <Node>self.nodes[owner] if (<Node>self.nodes[owner]).active else None
            if node is not None:
                target.replica = i
                target.has_other_node = owner != NO_NODE and self.has_other(space, i, target.partition_id, owner)
                return node
        return None

    cdef Node no_owner(self, NamespaceMap space, int pid):
        """Returns an active node without a replica of the partition; None if there is none."""
        cdef int i, column
        for i in range(<int>len(self.nodes)):
            if not (<Node>self.nodes[i]).active:
                continue
            for column in range(space.replicas):
                if space.owners[column][pid] == i:
                    break
            else:
                return <Node>self.nodes[i]
        return None

    cdef Node nearest(self, NamespaceMap space, Target* target):
        """As `owner_in`, by racks: of the first preferred rack that has an active node with the partition (racks-and-health.md
        15.1), else any other. The node that was asked last comes after all others.

        Raises:
            InvalidArgument: the client prefers no racks.
        """
        cdef int first = target.replica
        cdef int best = -1
        cdef int best_rank = 2 * ASKED_BEFORE
        cdef int i, owner, rank
        if space.ranks is None:
            raise no_racks()
        for i in range(space.replicas):
            owner = space.owners[(first + i) % space.replicas][target.partition_id]
            if owner == NO_NODE or not (<Node>self.nodes[owner]).active:
                continue
            rank = space.rank_of(owner)
            if first > 0 and i == space.replicas - 1:
                rank += ASKED_BEFORE
            if rank < best_rank:
                best = i
                best_rank = rank
        if best < 0:
            return None
        target.replica = first + best
        owner = space.owners[target.replica % space.replicas][target.partition_id]
        target.in_rack = space.rank_of(owner) != NO_RANK
        target.has_other_node = self.has_other(space, target.replica, target.partition_id, owner)
        return <Node>self.nodes[owner]

    cdef Node any_node(self):
        """Returns an active node to ask for a partition without an active owner; None if there is no active node.

        A node passes a command on to the partition's owner (cluster.md 11.4). So a client can also use a cluster of which it
        reaches one node only.
        """
        for node in self.nodes:
            if (<Node>node).active:
                return <Node>node
        return None

    cdef inline bint has_other(self, NamespaceMap space, int replica, int pid, int owner):
        """Whether another active node holds a replica of the partition too."""
        cdef int i, other
        for i in range(1, space.replicas):
            other = space.owners[(replica + i) % space.replicas][pid]
            if other != owner and other != NO_NODE and (<Node>self.nodes[other]).active:
                return True
        return False

    def __repr__(self) -> str:
        return f"<PartitionMap of {', '.join(self.spaces) or 'no namespace'} on {len(self.nodes)} nodes>"


@cython.final
cdef class Routing:
    """Holds the current partition map, which the cluster replaces and executors read; and whether calls may begin."""

    cdef PartitionMap latest
    cdef readonly bint refusing             # whether no call may begin because the client closes
    cdef readonly Py_ssize_t retrying       # blocking calls under way whose first attempt failed
    cdef public bint prefers_racks          # whether the maps know which racks the client prefers

    def __cinit__(self) -> None:
        self.latest = PartitionMap()

    def refuse(self) -> None:
        """Let no call begin any more; calls under way go on."""
        self.refusing = True

    cdef inline int check_replica(self, Settings settings) except -1:
        """Refuses a policy that prefers racks, if the client does not."""
        if settings.choice.policy == REPLICA_PREFER_RACK and not self.prefers_racks:
            raise no_racks()
        return 0

    cdef void count_retrying(self, int change):
        with cython.critical_section(self):
            self.retrying += change

    @property
    def partitions(self) -> PartitionMap:
        """The current map."""
        return self.current()

    @partitions.setter
    def partitions(self, PartitionMap partitions not None) -> None:
        with cython.critical_section(self):
            self.latest = partitions

    cdef inline PartitionMap current(self):
        cdef PartitionMap partitions
        with cython.critical_section(self):     # without a GIL, another thread may replace the map while its reference is taken
            partitions = self.latest
        return partitions
