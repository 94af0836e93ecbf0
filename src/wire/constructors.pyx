# Wrong arguments of a constructor: Cython's TypeError names __cinit__ or __init__, where Python's own names the class.
# The constructors of the module's classes are wrapped once, when all classes are there.

cdef extern from *:
    """
    #ifdef Py_LIMITED_API                   /* Cython's names stay */
    #define wrap_constructor(kind) ((void)(kind), 1)
    #else
    enum { MOST_CONSTRUCTORS = 256 };

    static struct {
        PyTypeObject *type;
        newfunc make;
        initproc fill;
        vectorcallfunc call;                /* both at once, for classes that Cython gives one */
    } constructors[MOST_CONSTRUCTORS];
    static int constructor_count;

    /* The place of a class, or of the one it is a subclass of; those wrapped first are found first. */
    static int constructor_of(PyTypeObject *type) {
        int i;
        for (; type != NULL; type = type->tp_base)
            for (i = 0; i < constructor_count; i++)
                if (constructors[i].type == type)
                    return i;
        return -1;
    }

    static void name_class(PyTypeObject *type) {
        PyObject *kind, *error, *trace, *text;
        const char *words, *last, *name = type->tp_name;
        PyErr_Fetch(&kind, &error, &trace);
        text = kind == PyExc_TypeError && error != NULL ? PyObject_Str(error) : NULL;
        words = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
        if (words != NULL && strncmp(words, "__cinit__()", 11) == 0)
            words += 9;
        else if (words != NULL && strncmp(words, "__init__()", 10) == 0)
            words += 8;
        else
            words = NULL;
        if (words == NULL) {
            PyErr_Clear();
            PyErr_Restore(kind, error, trace);
        } else {
            last = strrchr(name, '.');
            PyErr_Format(PyExc_TypeError, "%s%s", last != NULL ? last + 1 : name, words);
            Py_XDECREF(kind);
            Py_XDECREF(error);
            Py_XDECREF(trace);
        }
        Py_XDECREF(text);
    }

    static PyObject *named_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
        PyObject *made = constructors[constructor_of(type)].make(type, args, kwargs);
        if (made == NULL)
            name_class(type);
        return made;
    }

    static int named_fill(PyObject *self, PyObject *args, PyObject *kwargs) {
        int result = constructors[constructor_of(Py_TYPE(self))].fill(self, args, kwargs);
        if (result < 0)
            name_class(Py_TYPE(self));
        return result;
    }

    static PyObject *named_call(PyObject *kind, PyObject *const *args, size_t count, PyObject *names) {
        PyTypeObject *type = (PyTypeObject *)kind;
        PyObject *made = constructors[constructor_of(type)].call(kind, args, count, names);
        if (made == NULL)
            name_class(type);
        return made;
    }

    /* Wraps the constructor of a class of this module; 0 if there is no room for more. */
    static int wrap_constructor(PyObject *kind) {
        PyTypeObject *type = (PyTypeObject *)kind;
        if (constructor_count == MOST_CONSTRUCTORS)
            return 0;
        constructors[constructor_count].type = type;
        constructors[constructor_count].make = type->tp_new;
        constructors[constructor_count].fill = type->tp_init;
        constructors[constructor_count].call = type->tp_vectorcall;
        constructor_count++;
        if (type->tp_new != NULL)
            type->tp_new = named_make;
        if (type->tp_init != NULL && type->tp_init != PyBaseObject_Type.tp_init)
            type->tp_init = named_fill;
        if (type->tp_vectorcall != NULL)
            type->tp_vectorcall = named_call;
        return 1;
    }
    #endif
    """
    bint wrap_constructor(object kind) noexcept


cdef int name_constructors() except -1:
    for kind in [Key, *(value for value in globals().values() if isinstance(value, type) and value is not Key)]:
        if kind.__module__ == __name__ and not wrap_constructor(kind):
            raise AssertionError("there are more classes than constructors.pyx has room for")
    return 0


name_constructors()
