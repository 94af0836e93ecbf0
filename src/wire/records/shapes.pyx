# Shapes: what values a field of a class takes, one class for each kind of annotation. A shape makes the field's value of what
# is stored (`fit`), and what is stored of the field's value (`plain`). Nothing is converted that would not come back: what
# does not fit raises ShapeError, which collects the path to it on its way out.
#
# Not here: which annotation has which shape (`pyspike.records.shapes`), and the fields of a class (`class_plans.pyx`).

class ShapeError(Exception):
    """A value does not fit its field. `path` has the steps to it, the innermost first."""

    def __init__(self, str what) -> None:
        super().__init__(what)
        self.path = []

    def under(self, str step) -> ShapeError:
        """Return this, as told from one level further out."""
        self.path.append(step)
        return self

    def __str__(self) -> str:
        path = "".join(reversed(self.path)).removeprefix(".")
        return f"{path}: {self.args[0]}" if path else self.args[0]


cdef str kind_of(object value):
    return "None" if value is None else type(value).__name__


cdef object unfit(Shape shape, object value):
    return ShapeError(f"{shape.name} expected, {kind_of(value)} found")


cdef class Shape:
    """What a field takes. This base class takes what there is, and gives it away as it is.

    Args:
        name: of the annotation, for messages.
        nullable: whether it takes None too.
    """

    cdef readonly str name
    cdef readonly bint nullable

    def __cinit__(self, str name not None, *args: object, bint nullable=False, **kwargs: object) -> None:
        self.name = name
        self.nullable = nullable

    cdef object fit(self, object value):
        """Returns the field's value for a stored one, which is not None if the shape is nullable."""
        return value

    cdef object plain(self, object value):
        """Returns what is stored for the field's value."""
        return value

    def read(self, value: object) -> Any:
        """Return the field's value for a stored one.

        Raises:
            ShapeError: it does not fit.
        """
        return fitted(self, value)

    def write(self, value: object) -> Any:
        """Return what is stored for a field's value.

        Raises:
            ShapeError: it does not fit.
        """
        return stored(self, value)

    def __repr__(self) -> str:
        return f"<Shape {self.name}>"


cdef inline bint takes_all(Shape shape) noexcept:
    return type(shape) is Shape


cdef inline bint takes_none(Shape shape) noexcept:
    return shape.nullable or takes_all(shape)


cdef inline object fitted(Shape shape, object value):
    if value is None and shape.nullable:
        return None
    return shape.fit(value)


cdef inline object stored(Shape shape, object value):
    if value is None and shape.nullable:
        return None
    return shape.plain(value)


@cython.final
cdef class TypeShape(Shape):
    """Takes the instances of a class as they are; bools are no ints.

    Args:
        kind: the class.
    """

    cdef object kind

    def __cinit__(self, str name not None, kind: type, *, bint nullable=False) -> None:
        self.kind = kind

    cdef object fit(self, object value):
        if type(value) is self.kind or (isinstance(value, self.kind) and not (self.kind is int and type(value) is bool)):
            return value
        raise unfit(self, value)

    cdef object plain(self, object value):
        return self.fit(value)


@cython.final
cdef class FloatShape(Shape):
    """Takes floats, and ints that a float holds without loss, which become one."""

    cdef object fit(self, object value):
        if PyFloat_CheckExact(value):
            return value
        if isinstance(value, float):
            return value
        if isinstance(value, int) and type(value) is not bool:
            try:
                number = float(value)
            except OverflowError:
                number = None
            if number is not None and number == value:
                return number
            raise ShapeError(f"float expected, int found, which a float does not hold without loss: {shown(value)}")
        raise unfit(self, value)

    cdef object plain(self, object value):
        return self.fit(value)


@cython.final
cdef class LiteralShape(Shape):
    """Takes some values, and no others: neither of another type.

    Args:
        values: these.
    """

    cdef tuple values

    def __cinit__(self, str name not None, tuple values not None, *, bint nullable=False) -> None:
        self.values = values

    cdef object fit(self, object value):
        for each in self.values:
            if type(each) is type(value) and each == value:
                return each
        raise ShapeError(f"{self.name} expected, {shown(value)} found")

    cdef object plain(self, object value):
        return self.fit(value)


@cython.final
cdef class ListShape(Shape):
    """Takes lists, whose items have one shape; an OrderedList stays one.

    Args:
        item: the shape of the items.
        tuples: whether a field's value may be a tuple too.
        as_tuple: whether it is always one.
    """

    cdef Shape item
    cdef bint plain_items                   # whether all items are taken as they are
    cdef bint tuples, as_tuple

    def __cinit__(
        self, str name not None, Shape item not None, *, bint tuples=False, bint as_tuple=False, bint nullable=False
    ) -> None:
        self.item = item
        self.plain_items = takes_all(item)
        self.tuples = tuples
        self.as_tuple = as_tuple

    cdef object fit(self, object value):
        if not isinstance(value, list):
            raise unfit(self, value)
        if not self.plain_items:
            value = each_item(self.item, <list>value, True)
        return tuple(value) if self.as_tuple else value

    cdef object plain(self, object value):
        if isinstance(value, tuple) and (self.tuples or self.as_tuple):
            value = list(value)
        elif self.as_tuple or not isinstance(value, list):
            raise unfit(self, value)
        return value if self.plain_items else each_item(self.item, <list>value, False)


cdef object each_item(Shape shape, list items, bint reads):
    """Returns a list of what becomes of the items: the same one if they stay as they are."""
    cdef object changed = None              # not a `list`, which Cython holds to be no OrderedList
    cdef Py_ssize_t i
    for i in range(len(items)):
        item = items[i]
        try:
            new = fitted(shape, item) if reads else stored(shape, item)
        except ShapeError as problem:
            raise problem.under(f"[{i}]")
        if new is not item:
            if changed is None:
                changed = OrderedList(items) if isinstance(items, OrderedList) else list(items)
            changed[i] = new
    return items if changed is None else changed


@cython.final
cdef class TupleShape(Shape):
    """Takes lists of a certain length, whose items have a shape each, as tuples.

    Args:
        items: these shapes.
    """

    cdef tuple items

    def __cinit__(self, str name not None, tuple items not None, *, bint nullable=False) -> None:
        self.items = items

    cdef object fit(self, object value):
        if not isinstance(value, list):
            raise unfit(self, value)
        return tuple(self.each(value, True))

    cdef object plain(self, object value):
        if not isinstance(value, tuple):
            raise unfit(self, value)
        return self.each(value, False)

    cdef list each(self, object values, bint reads):
        cdef list built = []
        cdef Py_ssize_t i
        if len(values) != len(self.items):
            raise ShapeError(f"{self.name} expected, {len(values)} items found")
        for i in range(len(self.items)):
            try:
                built.append(
                    fitted(<Shape>self.items[i], values[i]) if reads else stored(<Shape>self.items[i], values[i])
                )
            except ShapeError as problem:
                raise problem.under(f"[{i}]")
        return built


@cython.final
cdef class DictShape(Shape):
    """Takes dicts, whose keys have one shape and whose values have another; a dict that is ordered for the server stays so.

    Args:
        key: the shape of the keys.
        value: that of the values.
    """

    cdef Shape key, value
    cdef bint plain_items

    def __cinit__(self, str name not None, Shape key not None, Shape value not None, *, bint nullable=False) -> None:
        self.key = key
        self.value = value
        self.plain_items = takes_all(key) and takes_all(value)

    cdef object fit(self, object value):
        return self.each(value, True)

    cdef object plain(self, object value):
        return self.each(value, False)

    cdef object each(self, object entries, bint reads):
        cdef object changed = None          # not a `dict`, which Cython holds to be no KeyOrderedDict
        if not isinstance(entries, dict):
            raise unfit(self, entries)
        if self.plain_items:
            return entries
        for name, value in settled(entries).items():
            try:
                self.key.fit(name)
            except ShapeError as problem:
                raise problem.under(f" key {shown(name)}")
            try:
                new = fitted(self.value, value) if reads else stored(self.value, value)
            except ShapeError as problem:
                raise problem.under(f"[{shown(name)}]")
            if new is not value:
                if changed is None:
                    changed = type(entries)(entries) if type(entries) in (KeyOrderedDict, KeyValueOrderedDict) else dict(entries)
                changed[name] = new
        return entries if changed is None else changed


@cython.final
cdef class UnionShape(Shape):
    """Takes what one of several shapes takes, the first that does.

    Args:
        options: these.
    """

    cdef tuple options

    def __cinit__(self, str name not None, tuple options not None, *, bint nullable=False) -> None:
        self.options = options

    cdef object fit(self, object value):
        return self.first(value, True)

    cdef object plain(self, object value):
        return self.first(value, False)

    cdef object first(self, object value, bint reads):
        cdef object deepest = None
        for option in self.options:
            try:
                return (<Shape>option).fit(value) if reads else (<Shape>option).plain(value)
            except ShapeError as problem:        # the one that went furthest tells most
                if problem.path and (deepest is None or len(problem.path) > len(deepest.path)):
                    deepest = problem
        raise unfit(self, value) if deepest is None else deepest


@cython.final
cdef class CodecShape(Shape):
    """Takes values of a type that is stored as another.

    Args:
        kind: the type.
        encode: makes what is stored of a value.
        decode: makes a value of what is stored.
        tag: the key of the map that what is stored stands in; None if it stands as it is.
        inner: the shape of what is stored.
    """

    cdef object kind, encode, decode
    cdef str tag
    cdef Shape inner

    def __cinit__(
        self, str name not None, kind: type, encode: Callable[[Any], Any], decode: Callable[[Any], Any], str tag=None,
        Shape inner=None, *, bint nullable=False
    ) -> None:
        self.kind = kind
        self.encode = encode
        self.decode = decode
        self.tag = tag
        self.inner = inner

    cdef object fit(self, object value):
        if self.tag is not None:
            if type(value) is self.kind:    # the client has decoded it
                return value if self.inner is None else self.made_of(self.encode(value))
            if not isinstance(value, dict) or len(value) != 1 or self.tag not in value:
                raise unfit(self, value)
            value = value[self.tag]
        return self.made_of(value)

    cdef object made_of(self, object value):
        if self.inner is not None:
            value = fitted(self.inner, value)
        try:
            built = self.decode(value)
        except Exception as error:
            raise ShapeError(f"{self.name} expected, {shown(value)} found, which can't be decoded: {error}") from error
        if not isinstance(built, self.kind):
            raise ShapeError(f"{self.name} expected, but its codec has built {kind_of(built)} of {shown(value)}")
        return built

    cdef object plain(self, object value):
        if type(value) is not self.kind:
            raise unfit(self, value)
        try:
            built = self.encode(value)
        except Exception as error:
            raise ShapeError(f"{shown(value)} can't be encoded: {error}") from error
        if self.inner is not None:
            built = stored(self.inner, built)
        return built if self.tag is None else new_encoded(self.tag, built)


@cython.final
cdef class OwnShape(Shape):
    """Takes what there is, of which the class that has the field makes the value itself.

    Args:
        encode: makes what is stored of a value; raises ValueError if it would not come back.
    """

    cdef object encode

    def __cinit__(self, str name not None, encode: Callable[[Any], Any], *, bint nullable=False) -> None:
        self.encode = encode

    cdef object plain(self, object value):
        try:
            return self.encode(value)
        except Exception as error:
            raise ShapeError(f"{shown(value)} can't be encoded: {error}") from error
