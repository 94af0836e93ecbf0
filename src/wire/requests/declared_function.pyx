# Functions that are declared in Python and run here. The declaration is an ordinary `def` without a body: it has the signature,
# the types and the docstring. A call runs compiled code instead of it, without a Python frame. Owns the binding of arguments
# to parameters, by Python's rules; subclasses do the work of the function.

cdef extern from *:
    """
    typedef PyObject *(*call_function)(PyObject *, PyObject *const *, size_t, PyObject *);

    #ifdef Py_LIMITED_API
    #define set_vectorcall(type, offset) ((void)(type), (void)(offset))

    /* Calls with arguments that are in a tuple and a dict. */
    static PyObject *call_unpacked(PyObject *self, call_function call, PyObject *args, PyObject *kwargs) {
        Py_ssize_t given = PyTuple_Size(args), named = PyDict_Size(kwargs), place = 0, i;
        PyObject **values = malloc((size_t)(given + named + 1) * sizeof(PyObject *));
        PyObject *names = PyTuple_New(named), *name, *value, *result = NULL;
        if (values == NULL || names == NULL) {
            free(values);
            Py_XDECREF(names);
            return PyErr_NoMemory();
        }
        for (i = 0; i < given; i++)
            values[i] = PyTuple_GetItem(args, i);
        for (i = 0; PyDict_Next(kwargs, &place, &name, &value); i++) {
            Py_INCREF(name);
            PyTuple_SetItem(names, i, name);
            values[given + i] = value;
        }
        result = call(self, values, (size_t)given, named ? names : NULL);
        Py_DECREF(names);
        free(values);
        return result;
    }
    #else
    #define call_unpacked(self, call, args, kwargs) PyVectorcall_Call(self, args, kwargs)

    /* From here on, calls of objects of this type go to the function that each of them has at this offset, with no
       tuple and no dict of the arguments. */
    static void set_vectorcall(PyObject *type, Py_ssize_t offset) {
        ((PyTypeObject *)type)->tp_vectorcall_offset = offset;
        ((PyTypeObject *)type)->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    }
    #endif

    static inline Py_ssize_t argument_count(size_t nargs) {
        return PyVectorcall_NARGS(nargs);
    }
    """
    ctypedef void* call_function
    void set_vectorcall(object type, Py_ssize_t offset) noexcept
    object call_unpacked(object self, call_function call, tuple args, dict kwargs)
    Py_ssize_t argument_count(size_t nargs) noexcept nogil


cdef extern from "Python.h":
    object PyObject_Vectorcall(object function, PyObject** args, size_t nargs, PyObject* keywords)
    object PyMethod_New(object function, object instance)
    Py_ssize_t PyTuple_GET_SIZE(object values) noexcept


cdef enum:
    MAX_PARAMETERS = 12


cdef object REQUIRED = object()             # in the place of a default: the caller must give the argument


cdef class DeclaredFunction:
    """DeclaredFunction(declaration)\n--\n\nA function with the signature of `declaration`, whose body is compiled."""

    cdef call_function call
    cdef dict __dict__
    cdef readonly object declaration        # the Python function
    cdef readonly tuple parameters          # their names; the parameters that can be given by position come first
    cdef tuple defaults                     # of each parameter, REQUIRED where there is none
    cdef PyObject* usual[MAX_PARAMETERS]    # the same, borrowed
    cdef Py_ssize_t count                   # of parameters
    cdef Py_ssize_t placed                  # how many of them have a place
    cdef Py_ssize_t required                # the place behind the last one without a default

    def __cinit__(self, declaration: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        code = declaration.__code__
        given = declaration.__defaults__ or ()
        by_name = declaration.__kwdefaults__ or {}
        self.call = <call_function>call_declared
        set_vectorcall(type(self), <char*>&self.call - <char*><PyObject*>self)
        self.declaration = declaration
        self.placed = code.co_argcount
        self.count = self.placed + code.co_kwonlyargcount
        self.parameters = code.co_varnames[:self.count]
        self.defaults = (
            (REQUIRED,) * (self.placed - len(given)) + tuple(given)
            + tuple([by_name.get(name, REQUIRED) for name in self.parameters[self.placed:]])
        )
        if self.count > MAX_PARAMETERS:
            raise ValueError(f"{declaration.__name__} has more than {MAX_PARAMETERS} parameters")
        for i in range(self.count):
            self.usual[i] = PyTuple_GET_ITEM(self.defaults, i)
            if self.defaults[i] is REQUIRED:
                self.required = i + 1

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return call_unpacked(self, self.call, args, kwargs)

    def __get__(self, instance: object, owner: object) -> object:
        return self if instance is None else PyMethod_New(self, instance)

    def __repr__(self) -> str:
        return f"<function {self.declaration.__module__}.{self.declaration.__qualname__}>"

    def __reduce__(self) -> str:
        return self.declaration.__qualname__

    cdef object run(self, PyObject** values):
        """Returns the result of a call with these values, one for each parameter; all are borrowed."""
        raise NotImplementedError


cdef object call_declared(DeclaredFunction self, PyObject** args, size_t nargs, PyObject* keywords):
    if keywords == NULL and argument_count(nargs) == self.count == self.placed:
        return self.run(args)
    return call_with_defaults(self, args, nargs, keywords)


cdef object call_with_defaults(DeclaredFunction self, PyObject** args, size_t nargs, PyObject* keywords):
    cdef PyObject* values[MAX_PARAMETERS]
    cdef Py_ssize_t given = argument_count(nargs)
    cdef Py_ssize_t i
    if given > self.placed:
        return refuse_call(self, args, nargs, keywords)
    for i in range(given):
        values[i] = args[i]
    for i in range(given, self.count):
        values[i] = self.usual[i]
    if keywords != NULL and not bind_keywords(self, values, given, args + given, <object>keywords):
        return refuse_call(self, args, nargs, keywords)
    for i in range(given, self.required):
        if values[i] == <PyObject*>REQUIRED:
            return refuse_call(self, args, nargs, keywords)
    return self.run(values)


cdef bint bind_keywords(
    DeclaredFunction self, PyObject** values, Py_ssize_t given, PyObject** args, object keywords
) except -1:
    """Puts keyword arguments in the places of their parameters; False if one has none, or comes twice."""
    cdef Py_ssize_t i, k
    for k in range(PyTuple_GET_SIZE(keywords)):
        for i in range(given, self.count):  # names in code are interned: equal names are mostly one object
            if PyTuple_GET_ITEM(self.parameters, i) == PyTuple_GET_ITEM(keywords, k):
                break
        else:
            for i in range(given, self.count):
                if <object>PyTuple_GET_ITEM(self.parameters, i) == <object>PyTuple_GET_ITEM(keywords, k):
                    break
            else:
                return False
        values[i] = args[k]
    return True


cdef object refuse_call(DeclaredFunction self, PyObject** args, size_t nargs, PyObject* keywords):
    """Raises the TypeError that Python has for these arguments."""
    PyObject_Vectorcall(self.declaration, args, nargs, keywords)
    raise TypeError(f"{self.declaration.__name__}() got arguments that do not fit")


cdef class BoundFunction(DeclaredFunction):
    """BoundFunction(declaration, run)\n--\n\nA declared function whose body is `run`, called with one value a parameter."""

    cdef object body

    def __init__(self, declaration: Callable[..., Any], run: Callable[..., Any]) -> None:
        self.body = run

    cdef object run(self, PyObject** values):
        return PyObject_Vectorcall(self.body, values, <size_t>self.count, NULL)
