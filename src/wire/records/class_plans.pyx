# Plans: what fields a class has, and how its objects are built of records and become bins again. A plan is built once for a
# class, in Python (`pyspike.records`); here it is run.

cdef enum Building:                         # how an object is built of the values of its fields
    BY_CALLING                              # the class is called
    BY_SETTING                              # attributes are set: what the `__init__` does that `dataclass` has written
    BY_TUPLE                                # they are the items of a named tuple
    BY_DICT                                 # they are the values of a dict


cpdef enum:                                 # what a field is that is no bin
    NO_METADATA = 0
    METADATA_KEY = 1
    METADATA_USER_KEY = 2
    METADATA_SET = 3
    METADATA_DIGEST = 4
    METADATA_GENERATION = 5
    METADATA_TTL = 6
    METADATA_EXPIRATION = 7
    METADATA_OTHERS = 8                     # the bins that no field is for


cpdef enum:                                 # the same as `Building`, for Python
    BUILD_BY_CALLING = 0
    BUILD_BY_SETTING = 1
    BUILD_BY_TUPLE = 2
    BUILD_BY_DICT = 3


cdef struct Told:                           # what an answer tells of a record besides its bins
    uint32_t generation
    uint32_t void_time                      # seconds since 2010; 0: never


cdef extern from *:
    """
    static inline PyObject *bare_object(PyObject *cls, PyObject *nothing) {
        return maker_of(PyBaseObject_Type)((PyTypeObject *)cls, nothing, NULL);
    }
    static inline PyObject *tuple_of(PyObject *cls, PyObject *values) {
        PyObject *built, *arguments = PyTuple_Pack(1, values);
        if (arguments == NULL)
            return NULL;
        built = maker_of(PyTuple_Type)((PyTypeObject *)cls, arguments, NULL);
        Py_DECREF(arguments);
        return built;
    }
    """
    object bare_object(object cls, object nothing)
    object tuple_of(object cls, object values)
    int PyObject_GenericSetAttr(object built, object name, object value) except -1


cdef object NO_DEFAULT = object()
FIELD_WITHOUT_DEFAULT = NO_DEFAULT


@cython.final
cdef class PlannedField:
    """One field of a class.

    Args:
        name: of the attribute, or of the key in a dict.
        bin: the name of its bin, or of its entry in a map.
        shape: what it takes.
        parameter: its name where the class is called.
        required: whether there must be a value.
        default: its value where there is none; FIELD_WITHOUT_DEFAULT if there is no such value, or the class finds it itself.
        factory: makes that value; None if nothing does.
        none_comes_back: whether it is None again if there is no bin, as a bin can't hold None.
        metadata: `METADATA_KEY` and so on; `NO_METADATA` of a bin.
        set_after: whether the class takes no value for it, so that it is set when the object is there.
        spread: whether its values, a dict, are given to the class by their own names.
    """

    cdef readonly str name
    cdef readonly str bin
    cdef readonly Shape shape
    cdef readonly int metadata
    cdef readonly bint required
    cdef str parameter
    cdef bint set_after, spread
    cdef bint none_comes_back
    cdef object default
    cdef object factory
    cdef bytes wire                         # the bin's name in UTF-8
    cdef const unsigned char* data
    cdef size_t size

    def __cinit__(
        self, str name not None, str bin not None, Shape shape not None, *, str parameter not None, bint required=True,
        object default=NO_DEFAULT, factory: Callable[[], Any] | None = None, bint none_comes_back=False,
        int metadata=0, bint set_after=False, bint spread=False
    ) -> None:
        self.name = sys_intern(name)
        self.bin = sys_intern(bin)
        self.shape = shape
        self.parameter = sys_intern(parameter)
        self.required = required
        self.default = default
        self.factory = factory
        self.none_comes_back = none_comes_back
        self.metadata = metadata
        self.set_after = set_after
        self.spread = spread
        self.wire = bin.encode("utf-8")
        self.data = <const unsigned char*>PyBytes_AS_STRING(self.wire)
        self.size = <size_t>PyBytes_GET_SIZE(self.wire)

    def __repr__(self) -> str:
        return f"<PlannedField {self.name}: {self.shape.name}>"


@cython.final
cdef class Unfit:
    """Stands for a record that does not fit its class, where the next ones can be read all the same."""

    cdef object error


@cython.final
cdef class ClassPlan:
    """How objects of a class are built of records, and bins of them.

    It does not keep the class, which would keep it in turn. `fill` completes it.

    Args:
        cls: the class.
    """

    cdef object ref                         # gives the class
    cdef readonly str name
    cdef readonly tuple fields              # PlannedFields, in the order of the class's parameters
    cdef readonly tuple bins                # the names of those to read; None for all
    cdef Py_ssize_t count
    cdef Py_ssize_t positional              # how many come first in a call
    cdef tuple names                        # the parameters of the others; None if there are none
    cdef Building building
    cdef bint forbids_others
    cdef bint simple                        # whether the class takes each value by its place or its parameter
    cdef CodecTable tags                    # by which what is marked in records is decoded; None: nothing is
    cdef Py_ssize_t others                  # the field for bins without a field; -1 if there is none
    cdef PlannedField too_long              # a field whose name no bin can have, so that it is one of maps only; None if none is

    def __cinit__(self, cls: type) -> None:
        self.ref = ref(cls)
        self.name = cls.__name__
        self.others = -1

    def fill(
        self, fields: Iterable[PlannedField], *, int building, Py_ssize_t positional, bint forbids_others=False
    ) -> None:
        """Tell what the class has.

        Args:
            fields: its fields, in the order of its parameters.
            building: `BUILD_BY_CALLING` and so on.
            positional: how many parameters come without a name.
            forbids_others: whether bins without a field are an error.
        """
        cdef PlannedField field
        cdef Py_ssize_t i = 0
        self.fields = tuple(fields)
        self.count = len(self.fields)
        self.positional = positional
        self.building = <Building>building
        self.forbids_others = forbids_others
        self.simple = True
        names = []
        for each in self.fields:
            field = <PlannedField?>each
            if field.set_after or field.spread:
                self.simple = False
            if field.metadata == METADATA_OTHERS:
                self.others = i
            elif not field.metadata:
                names.append(field.bin)
                if field.size > MAX_BIN_NAME:
                    self.too_long = field
            i += 1
        if positional < self.count:
            self.names = tuple([(<PlannedField>each).parameter for each in self.fields[positional:]])
        self.bins = None if forbids_others or self.others >= 0 else tuple(names)

    cdef object cls(self):
        """Returns the class."""
        cls = self.ref()
        if cls is None:
            raise RuntimeError(f"{self.name} is gone")
        return cls

    # --- reading ---

    cdef inline Py_ssize_t find(self, const unsigned char* name, size_t size, Py_ssize_t likely) noexcept:
        """Returns which field a bin of this name is of; -1 if it is of none. `likely`: the one to look at first."""
        cdef PlannedField field
        cdef Py_ssize_t i
        if likely < self.count:
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, likely)
            if field.size == size and same_bytes(field.data, name, size) and not field.metadata:
                return likely
        for i in range(self.count):
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if field.size == size and same_bytes(field.data, name, size) and not field.metadata:
                return i
        return -1

    cdef object finish(self, tuple values, Py_ssize_t found, dict others, const Told* told, Key key, object cls):
        """Fills in what is no bin or was not found, and makes the object; returns an Unfit if that is not possible."""
        cdef bint whole = found == self.count
        try:
            if others is not None and self.forbids_others:
                raise ShapeError(f"no field is for the bin {shown(next(iter(others)))}, and the class allows no others")
            if not whole:
                whole = self.complete(values, others, told, key)
            return self.build(values, cls, whole)
        except ShapeError as problem:
            return misfit_of(self, problem, None, key)
        except Exception as error:          # of code of the class
            return misfit_of(self, error, None, key)

    cdef bint complete(self, tuple values, dict others, const Told* told, Key key) except -1:
        """Fills in metadata and defaults. Returns whether all fields have values; if not, the class finds the others itself."""
        cdef PlannedField field
        cdef bint whole = True
        cdef Py_ssize_t i
        for i in range(self.count):
            if has_item(values, i):
                continue
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if field.metadata == METADATA_OTHERS:
                set_item(values, i, {} if others is None else others)
                continue
            if field.metadata and told != NULL:
                try:
                    value = metadata_of(field.metadata, told, key)
                    if value is not None or field.required or takes_none(field.shape):
                        set_item(values, i, fitted(field.shape, value))
                        continue
                except ShapeError as problem:
                    raise problem.under(f".{field.name}")
            if field.default is not NO_DEFAULT:
                set_item(values, i, field.default)
            elif field.factory is not None:
                set_item(values, i, field.factory())
            elif not field.required:
                whole = False
            elif field.shape.nullable:
                set_item(values, i, None)
            else:
                what = "bin" if told != NULL else "entry"
                raise ShapeError(f"{field.shape.name} expected, but there is no such {what}").under(step_to(field))
        return whole

    cdef inline object build(self, tuple values, object cls, bint whole):
        """Makes the object of the values of its fields. `whole`: none is left out."""
        cdef Py_ssize_t i
        cdef object built
        cdef dict entries
        cdef PlannedField field
        if self.building == BY_SETTING:
            built = bare_object(cls, ())
            for i in range(self.count):
                PyObject_GenericSetAttr(
                    built, (<PlannedField>PyTuple_GET_ITEM(self.fields, i)).name, <object>PyTuple_GET_ITEM(values, i)
                )
            return built
        if self.building == BY_TUPLE:
            return tuple_of(cls, values)
        if whole and self.simple and self.building == BY_CALLING:
            return call_with_items(cls, values, self.positional, <PyObject*>self.names if self.names is not None else NULL)
        entries = {}
        for i in range(self.count):
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if has_item(values, i) and not field.set_after and not field.spread:
                entries[field.parameter] = <object>PyTuple_GET_ITEM(values, i)
        if self.building == BY_DICT:
            return entries
        if self.simple:
            return cls(**entries)
        for i in range(self.count):
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if field.spread and has_item(values, i):
                spread_into(entries, <dict>PyTuple_GET_ITEM(values, i))
        built = cls(**entries)
        for i in range(self.count):
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if field.set_after and has_item(values, i):     # past what keeps a frozen class as it is
                PyObject_GenericSetAttr(built, field.name, <object>PyTuple_GET_ITEM(values, i))
        return built

    cdef object of_dict(self, dict entries, object cls, const Told* told, Key key):
        """Returns an object of the class with these entries; raises ShapeError if they do not fit.

        `told` is what there is to tell of the record; NULL of a map inside one.
        """
        cdef PlannedField field
        cdef Py_ssize_t i, found = 0
        cdef dict others = None
        cdef tuple values = PyTuple_New(self.count)
        for i in range(self.count):
            field = <PlannedField>PyTuple_GET_ITEM(self.fields, i)
            if field.metadata or field.bin not in entries:
                continue
            value = entries[field.bin]
            if value is None and told != NULL:      # an operation that gave nothing
                continue
            if type(value) is MultiResult and not takes_all(field.shape):
                given = f"MultiResult found: {len(value)} operations gave results for this bin"
                raise ShapeError(f"{field.shape.name} expected, {given}").under(step_to(field))
            try:
                set_item(values, i, fitted(field.shape, value))
            except ShapeError as problem:
                raise problem.under(step_to(field))
            found += 1
        if found < len(entries) and (self.others >= 0 or self.forbids_others):
            known = {(<PlannedField>each).bin for each in self.fields if not (<PlannedField>each).metadata}
            others = {name: value for name, value in entries.items() if name not in known} or None
        if others is not None and self.forbids_others:
            raise ShapeError(f"{self.name} has no field {shown(next(iter(others)))}, and allows no others")
        try:
            return self.build(
                values, cls, True if found == self.count else self.complete(values, others, told, key)
            )
        except ShapeError:
            raise
        except Exception as error:          # of code of the class
            raise ShapeError(f"{self.name} refuses it: {type(error).__name__}: {error}") from error

    cdef object of_results(self, dict bins, const Told* told, Key key, object cls):
        """Returns an object of the class with these bins, which operations gave; an Unfit if they do not fit."""
        try:
            return self.of_dict(bins, cls, told, key)
        except ShapeError as problem:
            return misfit_of(self, problem, None, key)

    # --- writing ---

    cdef dict entries(self, object built, bint are_bins):
        """Returns what is stored for an object of the class; raises ShapeError if one of its values does not fit.

        `are_bins`: the entries are bins of a record, which can't be None: that deletes the bin.
        """
        cdef PlannedField field
        cdef dict entries = {}
        cls = self.cls()
        if self.building == BY_DICT:
            if not isinstance(built, dict):
                raise ShapeError(f"{self.name} expected, {kind_of(built)} found")
            self.refuse_others(<dict>built)
        elif type(built) is not cls:
            raise ShapeError(f"{self.name} expected, {kind_of(built)} found")
        for each in self.fields:
            field = <PlannedField>each
            if field.metadata and field.metadata != METADATA_OTHERS:
                continue
            if self.building == BY_DICT:
                if field.name not in <dict>built:
                    if field.required:
                        raise ShapeError(f"{field.shape.name} expected, but there is no such entry").under(f".{field.name}")
                    continue
                value = (<dict>built)[field.name]
            elif field.set_after:
                value = getattr(built, field.name, NO_DEFAULT)
                if value is NO_DEFAULT:     # nobody has set it yet, neither will reading
                    if are_bins:
                        entries[field.bin] = None
                    continue
            else:
                value = getattr(built, field.name)
            try:
                if are_bins and value is None and field.shape.nullable and not field.none_comes_back:
                    raise ShapeError("a bin can't hold None, and reading would give the default in its place")
                value = stored(field.shape, value)
            except ShapeError as problem:
                raise problem.under(f".{field.name}")
            if field.metadata:
                for name in value:
                    if name in entries:
                        raise ShapeError(f"{shown(name)} is a field of its own").under(f".{field.name}")
                entries.update(value)
            else:
                entries[field.bin] = value
        return entries

    cdef int refuse_others(self, dict entries) except -1:
        """Raises ShapeError if entries are to be written that no field is for: they would be lost."""
        known = {(<PlannedField>each).name for each in self.fields}
        for name in entries:
            if name not in known:
                raise ShapeError(f"{self.name} has no field {shown(name)}, which would be lost")
        return 0

    def read(self, Record record not None) -> Any:
        """Return an object of the class, built of a record.

        Raises:
            SchemaMismatch: the record does not fit.
        """
        cdef Told told
        told.generation = record.generation
        told.void_time = record.void_time
        built = self.of_results(record.bins, &told, record.key, self.cls())
        if type(built) is Unfit:
            raise (<Unfit>built).error
        return built

    def write(self, built: object) -> dict[str, Any]:
        """Return the bins of an object of the class.

        Raises:
            InvalidType: it is of another class, or one of its values does not fit its field.
        """
        try:
            return self.entries(built, True)
        except ShapeError as problem:
            raise errors.InvalidType(
                f"{self.name}.{problem}" if problem.path else f"{self.name}: {problem}"
            ) from problem.__cause__

    def __repr__(self) -> str:
        return f"<ClassPlan {self.name}: {', '.join([(<PlannedField>field).name for field in self.fields or ()])}>"


cdef inline bint has_item(tuple values, Py_ssize_t i) noexcept:
    return PyTuple_GET_ITEM(values, i) != NULL


cdef inline void set_item(tuple values, Py_ssize_t i, object value) noexcept:
    Py_INCREF(value)
    PyTuple_SET_ITEM(values, i, value)


cdef int spread_into(dict entries, dict others) except -1:
    """Adds the others to what a class is called with."""
    for name in others:
        if name in entries:
            raise ShapeError(f"{shown(name)} is the name of a field that has another bin")
    entries.update(others)
    return 0


cdef str step_to(PlannedField field):
    """Returns the step of a path to a field, with the name of its bin if that has another."""
    return f".{field.name}" if field.bin == field.name else f".{field.name} (bin {shown(field.bin)})"


cdef object metadata_of(int metadata, const Told* told, Key key):
    if key is None or told == NULL:
        raise ShapeError("there is no record to tell it")
    if metadata == METADATA_KEY:
        return key
    if metadata == METADATA_USER_KEY:
        return key.user_key
    if metadata == METADATA_SET:
        return key.set_name
    if metadata == METADATA_DIGEST:
        return key.digest
    if metadata == METADATA_GENERATION:
        return told.generation
    if metadata == METADATA_TTL:
        return None if told.void_time == 0 else seconds_left(told.void_time)
    return expiration_of(told.void_time)


cdef Unfit misfit_of(ClassPlan plan, object error, PlannedField field, Key key):
    """Returns what stands for a record that does not fit: the error names the class, the record and the place in it."""
    cdef Unfit stands = Unfit.__new__(Unfit)
    if isinstance(error, ShapeError):
        message = f"{plan.name}.{error}" if error.path else f"{plan.name}: {error}"
    else:
        message = f"{plan.name} refuses the record: {type(error).__name__}: {error}"
    stands.error = errors.SchemaMismatch(message, bin="" if field is None else field.bin, key=key)
    stands.error.__cause__ = error.__cause__ if isinstance(error, ShapeError) else error
    return stands


@cython.final
cdef class ClassShape(Shape):
    """Takes dicts whose entries are the fields of a class, as objects of it.

    Args:
        plan: of the class.
    """

    cdef ClassPlan plan

    def __cinit__(self, str name not None, ClassPlan plan not None, *, bint nullable=False) -> None:
        self.plan = plan

    cdef object fit(self, object value):
        if not isinstance(value, dict):
            raise unfit(self, value)
        return self.plan.of_dict(<dict>value, self.plan.cls(), NULL, None)

    cdef object plain(self, object value):
        return self.plan.entries(value, False)


# --- what a client knows of classes ---

# What classes with fields have: those of dataclasses, attrs, msgspec and pydantic, and named tuples.
cdef tuple MARKS_OF_FIELDS = (
    "__dataclass_fields__", "__attrs_attrs__", "__struct_fields__", "__pydantic_fields__", "_fields"
)


@cython.final
cdef class RecordTypes:
    """The plans of the classes that a client makes of records, by its codecs.

    Args:
        make: makes the plan of a class; is called with this and the class, and returns it with those of the classes that it
            refers to, by class. It may be called by several threads at once.
        codecs: those of the client; None if it has none.
    """

    cdef CodecTable codecs
    cdef CodecTable tags                    # the same if one of them is tagged; else None
    cdef object make
    cdef object plans                       # by class, weakly
    cdef tuple latest                       # a weak reference to a class, and its plan

    def __cinit__(
        self, make: Callable[[RecordTypes, type], dict[type, ClassPlan]], CodecTable codecs=None
    ) -> None:
        self.codecs = codecs
        self.tags = tags_of(codecs)
        self.make = make
        self.plans = WeakKeyDictionary()

    def plan(self, cls: type) -> ClassPlan:
        """Return the plan of a class, which is built if there is none.

        Raises:
            InvalidType, InvalidArgument: it can't be built.
        """
        return self.plan_of(cls)

    cdef ClassPlan plan_of(self, object cls):
        cdef tuple latest
        cdef ClassPlan plan
        with cython.critical_section(self):
            latest = self.latest
        if latest is not None and latest[0]() is cls:
            return <ClassPlan>latest[1]
        if not isinstance(cls, type):
            raise errors.InvalidType(
                f"into must be a class, not {shown(cls)}",
                advice="a dataclass, TypedDict, NamedTuple or the like; of a generic one a class of its own: "
                "class IntBox(Box[int])",
            )
        plan = self.plans.get(cls)
        if plan is None:
            for each, built in self.make(self, cls).items():
                (<ClassPlan>built).tags = self.tags
                self.plans[each] = built
            plan = self.plans[cls]
        if plan.too_long is not None:
            raise errors.InvalidArgument(
                f"{plan.name}.{plan.too_long.name}: the bin name {shown(plan.too_long.bin)} takes {plan.too_long.size} bytes, "
                f"the server allows {MAX_BIN_NAME}",
                advice="pyspike.field(bin=...) gives a shorter one",
            )
        latest = (plan.ref, plan)
        with cython.critical_section(self):
            self.latest = latest
        return plan

    def known_plan(self, cls: type) -> ClassPlan | None:
        """Return the plan of a class; None if there is none yet."""
        return self.plans.get(cls)

    def anything(self, str name not None) -> Shape:
        """Return the shape of what is taken as it is."""
        return Shape(name, nullable=True)

    cdef object bins_of(self, object given):
        """Returns the bins of what a write is given: those of an object whose class has fields, all else as it is."""
        if isinstance(given, (dict, MappingABC)):
            return given
        kind = type(given)
        for mark in MARKS_OF_FIELDS:
            if hasattr(kind, mark):
                return self.plan_of(kind).write(given)
        return given                        # refused where it is packed


cdef object no_types(RecordTypes types, object cls):
    raise errors.InvalidArgument("these commands know of no classes: a client does")


cdef RecordTypes NO_TYPES = RecordTypes(no_types)
