# What a configuration file says of policies while a client runs (config-and-metrics.md 16.3): commands of a client that follows a
# file take the settings of their policy from here, with what the file says in the place of what the code says.
#
# Not here: the file (`pyspike.cluster.config_file`), and what its sections say of policies (`pyspike.policy.dynamic`).

cpdef enum:                                 # the sections, each of which is for some commands
    SECTION_READ = 0
    SECTION_WRITE = 1
    SECTION_BATCH_READ = 2                     # batches that only read, and know it
    SECTION_BATCH_WRITE = 3                    # all others
    SECTION_QUERY = 4
    SECTION_SCAN = 5
    SECTION_TXN_VERIFY = 6
    SECTION_TXN_ROLL = 7
    SECTIONS = 8


@cython.final
cdef class DynamicSettings:
    """The settings of policies as a file wants them.

    The settings that a policy has by a section are kept with those that it has by the code, so that a policy that is used
    again costs a comparison.
    """

    cdef tuple latest

    def __cinit__(self) -> None:
        self.latest = (None,) * SECTIONS

    @property
    def sections(self) -> tuple[Callable[[Any], Settings] | None, ...]:
        """What each section makes of a policy; None of one that says nothing. They are replaced all at once."""
        return self.current()

    @sections.setter
    def sections(self, tuple sections not None) -> None:
        if len(sections) != SECTIONS:
            raise ValueError(f"{len(sections)} sections")
        with cython.critical_section(self):
            self.latest = sections

    cdef inline tuple current(self):
        cdef tuple sections
        with cython.critical_section(self):
            sections = self.latest
        return sections

    cdef Settings adapted(self, Settings plain, int number, object policy):
        """Returns what a section makes of a policy that has the settings `plain`."""
        cdef Settings found = None
        cdef object section = self.current()[number]
        if section is None:
            return plain
        with cython.critical_section(plain):
            if plain.adapted_by is section:
                found = plain.adapted
        if found is None:
            found = section(policy)
            with cython.critical_section(plain):
                plain.adapted_by = section
                plain.adapted = found
        return found

    def of(self, policy: Any, int number) -> Settings:
        """Return what a section makes of a policy.

        Args:
            policy: one that fits the section.
            number: of the section: `SECTION_READ` and so on.
        """
        return self.adapted(<Settings?>policy.settings, number, policy)


cdef Settings adapted_for_operate(DynamicSettings dynamic, object policies, object policy, bint writes):
    """Returns the settings of an `operate` that is given a policy that fits, or None."""
    cdef Settings plain, found
    if policy is None:
        policy = policies.write if writes else policies.read
    plain = <Settings?>policy.settings
    found = dynamic.adapted(plain, SECTION_WRITE if plain.write else SECTION_READ, policy)
    return found.as_read if plain.write and not writes else found
