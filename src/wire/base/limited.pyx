# What the limited API of Python leaves out. A module built by it (`Py_LIMITED_API`, see setup.py) runs on versions of Python that
# come later, and is a little slower: functions stand for macros here, and what looks into Python's structs is done otherwise, in
# the parts that do so. In any other build this adds nothing.

cdef extern from *:
    """
    #ifdef Py_LIMITED_API
    #include <stdlib.h>
    #define PyByteArray_AS_STRING PyByteArray_AsString
    #define PyBytes_AS_STRING PyBytes_AsString
    #define PyBytes_GET_SIZE PyBytes_Size
    #define PyFloat_AS_DOUBLE PyFloat_AsDouble
    #define PyList_GET_ITEM PyList_GetItem
    #define PyList_GET_SIZE PyList_Size
    #define PyList_SET_ITEM(list, place, item) ((void)PyList_SetItem(list, place, item))
    #define PyTuple_GET_ITEM PyTuple_GetItem
    #define PyTuple_GET_SIZE PyTuple_Size
    #define PyTuple_SET_ITEM(tuple, place, item) ((void)PyTuple_SetItem(tuple, place, item))
    #define maker_of(type) ((newfunc)PyType_GetSlot(&(type), Py_tp_new))
    #if Py_LIMITED_API < 0x030D0000
    #define PyMem_RawMalloc malloc
    #define PyMem_RawRealloc realloc
    #define PyMem_RawFree free
    #endif

    /* Calls the `__del__` of an object that is about to be freed, as Python's function of this name does. Its last
       reference is dropped here once more: either that frees it, in a call within this one, or somebody has kept it. */
    static int finalize(PyObject *object) {
        static PyObject *being_freed = NULL;
        PyObject *before = being_freed;
        if (object == being_freed)
            return 0;
        being_freed = object;
        Py_IncRef(object);
        ((destructor)PyType_GetSlot(Py_TYPE(object), Py_tp_finalize))(object);
        Py_DecRef(object);
        being_freed = before;
        return -1;
    }
    #define PyObject_CallFinalizerFromDealloc finalize

    /* Calls with the items of a tuple as a vector call has them: the last ones are those that have names. */
    static PyObject *call_with_items(PyObject *callee, PyObject *items, Py_ssize_t positional, PyObject *names) {
        Py_ssize_t i, count = PyTuple_Size(items);
        PyObject *result, **each = PyMem_Malloc((size_t)(count + 1) * sizeof(PyObject *));
        if (each == NULL)
            return PyErr_NoMemory();
        for (i = 0; i < count; i++)
            each[i] = PyTuple_GetItem(items, i);
        result = PyObject_Vectorcall(callee, each, (size_t)positional, names);
        PyMem_Free(each);
        return result;
    }

    /* Calls a function of a module, with one argument or two. */
    static PyObject *call_imported(const char *module, const char *name, PyObject *one, PyObject *two) {
        PyObject *function = NULL, *result = NULL, *imported = PyImport_ImportModule(module);
        if (imported != NULL)
            function = PyObject_GetAttrString(imported, name);
        if (function != NULL)
            result = PyObject_CallFunctionObjArgs(function, one, two, NULL);
        Py_XDECREF(function);
        Py_XDECREF(imported);
        return result;
    }

    static PyObject *PyMethod_New(PyObject *function, PyObject *instance) {
        return call_imported("types", "MethodType", function, instance);
    }

    static PyObject *PyContext_CopyCurrent(void) {
        return call_imported("contextvars", "copy_context", NULL, NULL);
    }

    static PyObject *call_in_context(PyObject *context, PyObject *function, PyObject *argument) {
        return PyObject_CallMethod(context, "run", "OO", function, argument);
    }
    #else
    #define maker_of(type) ((type).tp_new)

    static inline PyObject *call_with_items(PyObject *callee, PyObject *items, Py_ssize_t positional, PyObject *names) {
        return PyObject_Vectorcall(callee, &PyTuple_GET_ITEM(items, 0), (size_t)positional, names);
    }

    static PyObject *call_in_context(PyObject *context, PyObject *function, PyObject *argument) {
        PyObject *result;
        if (PyContext_Enter(context) < 0)
            return NULL;
        result = PyObject_CallFunctionObjArgs(function, argument, NULL);
        if (PyContext_Exit(context) < 0)
            Py_CLEAR(result);
        return result;
    }
    #endif
    """
    object call_in_context(object context, object function, object argument)
    object call_with_items(object callee, object items, Py_ssize_t positional, PyObject* names)
