/* SPDX-License-Identifier: MIT */
/*
 * peer_cpython.c - starting CPython 3.11, its fixtures, and the collectable node.
 *
 * The interpreter runs isolated, without the site module: no user code, the same start everywhere.
 */
#include "peers/peer.h"

#include <structmember.h>

struct peer_fixtures peer;

static PyObject *gc_module;

/* ---- the element of containers: a C struct with a native method, as an extension has ---- */

struct element {
    PyObject_HEAD PyObject *x;
};

static void
element_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((struct element *)self)->x);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *
native0(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return Py_NewRef(peer.one);
}

static PyObject *
native1(PyObject *self, PyObject *argument)
{
    (void)self;
    return Py_NewRef(argument);
}

static PyObject *
native2(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    (void)self;
    (void)n;
    return Py_NewRef(args[1]);
}

static PyMethodDef function_specs[3] = {
    {"native0", native0, METH_NOARGS, NULL},
    {"native1", native1, METH_O, NULL},
    {"native2", (PyCFunction)(void (*)(void))native2, METH_FASTCALL, NULL},
};

static PyMethodDef element_methods[] = {
    {"method", native0, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef element_members[] = {
    {"x", T_OBJECT_EX, offsetof(struct element, x), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot element_slots[] = {
    {Py_tp_dealloc, __extension__(void *) element_dealloc},
    {Py_tp_members, element_members},
    {Py_tp_methods, element_methods},
    {0, NULL},
};

static PyType_Spec element_spec = {
    .name = "bench.Element",
    .basicsize = sizeof(struct element),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = element_slots,
};

/* ---- the collectable node ---- */

static int
node_traverse(PyObject *self, visitproc visit, void *arg)
{
    struct peer_node_object *node = (struct peer_node_object *)self;
    for (int i = 0; i < PEER_NODE_REFS; i++) {
        Py_VISIT(node->refs[i]);
    }
    return 0;
}

static int
node_clear(PyObject *self)
{
    struct peer_node_object *node = (struct peer_node_object *)self;
    for (int i = 0; i < PEER_NODE_REFS; i++) {
        Py_CLEAR(node->refs[i]);
    }
    return 0;
}

static void
node_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, node_dealloc)(void) node_clear(self);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

PyTypeObject peer_node_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench.Node",
    .tp_basicsize = sizeof(struct peer_node_object),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = node_traverse,
    .tp_clear = node_clear,
    .tp_dealloc = node_dealloc,
};

/* ---- start ---- */

static peer_obj
check(peer_obj o)
{
    if (o == NULL) {
        PyErr_Print();
        worker_fail("cannot start CPython");
    }
    return o;
}

/* What only byte code can do: classes, and a thread that computes. */
static const char script[] = "import time\n"
                             "class Instance: pass\n"
                             "def compute(seconds):\n"
                             "    end = time.perf_counter() + seconds\n"
                             "    units = 0\n"
                             "    while time.perf_counter() < end:\n"
                             "        for i in range(1000): pass\n"
                             "        units += 1\n"
                             "    return float(units)\n";

static PyObject *globals;

void
peer_start(void)
{
    static const char *const names[PEER_NAMES] = {"alpha",   "beta", "gamma", "delta",
                                                  "epsilon", "zeta", "eta",   "theta"};
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    if (PyStatus_Exception(Py_InitializeFromConfig(&config))) {
        worker_fail("cannot initialise CPython");
    }
    PyConfig_Clear(&config);
    peer_must(PyType_Ready(&peer_node_type));
    gc_module = check(PyImport_ImportModule("gc"));

    PyObject *element_type = check(PyType_FromSpec(&element_spec));
    peer.one = check(peer_int(1));
    peer.shared = check(PyObject_CallNoArgs(element_type));
    ((struct element *)peer.shared)->x = Py_NewRef(peer.one);
    for (size_t i = 0; i < PEER_NAMES; i++) {
        peer.names[i] = check(peer_intern(names[i]));
    }
    peer.missing = check(peer_intern("nosuch"));
    peer.method = check(peer_intern("method"));
    for (size_t i = 0; i < 3; i++) {
        peer.functions[i] = check(PyCFunction_New(&function_specs[i], NULL));
    }
    globals = PyModule_GetDict(check(PyImport_AddModule("__main__")));
    Py_DECREF(check(PyRun_String(script, Py_file_input, globals, globals)));
    peer.instance_type = Py_NewRef(check(PyDict_GetItemString(globals, "Instance")));
}

double
peer_compute(double seconds)
{
    PyObject *function = check(PyDict_GetItemString(globals, "compute"));
    PyObject *result = check(PyObject_CallFunction(function, "d", seconds));
    double units = PyFloat_AsDouble(result);
    Py_DECREF(result);
    return units;
}

size_t
peer_gc_collect(int generation)
{
    size_t collected;
    if (generation == 2) {
        int enabled = PyGC_Enable();
        collected = (size_t)PyGC_Collect();
        if (!enabled) {
            (void)PyGC_Disable();
        }
        return collected;
    }
    PyObject *result = check(PyObject_CallMethod(gc_module, "collect", "i", generation));
    collected = (size_t)PyLong_AsSsize_t(result);
    Py_DECREF(result);
    return collected;
}
