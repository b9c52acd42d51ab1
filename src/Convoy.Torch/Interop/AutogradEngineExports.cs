namespace Convoy.Torch.Interop;

/// <summary>
/// What libtorch exports of its autograd engine and TorchSharp does not pass on, and what the C++ library exports to make an exception.
/// Looked up once; where anything is missing, there is none of it.
/// </summary>
/// <remarks>
/// The mangled names say what the functions take, but not how <c>std::function</c> and <c>std::shared_ptr</c> lie in memory nor what is returned: see <see cref="VerifiedLibtorch"/>.
/// </remarks>
internal sealed unsafe class AutogradEngineExports
{
    private static readonly Lazy<(AutogradEngineExports? Exports, string? Fault)> Found = new(() => VerifiedLibtorch.Find(() => ((AutogradEngineExports?)new AutogradEngineExports(), (string?)null)));

    private AutogradEngineExports()
    {
        LibraryExports torch = new("torch_cpu"), core = new("c10"), cpp = new("libstdc++.so.6");
        DefaultEngine = (delegate* unmanaged[Cdecl]<nint>)torch["_ZN5torch8autograd6Engine18get_default_engineEv"];
        QueueCallback = (delegate* unmanaged[Cdecl]<nint, StandardFunction*, void>)torch["_ZN5torch8autograd6Engine14queue_callbackESt8functionIFvvEE"];
        CurrentPass = (delegate* unmanaged[Cdecl, SuppressGCTransition]<int>)torch["_ZN5torch8autograd25get_current_graph_task_idEv"];
        CurrentPassKeepsGraph = (delegate* unmanaged[Cdecl, SuppressGCTransition]<byte>)torch["_ZN5torch8autograd33get_current_graph_task_keep_graphEv"];
        CurrentPassNodes = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint*>)torch["_ZN5torch8autograd32get_current_graph_task_exec_infoEv"];
        CurrentNode = (delegate* unmanaged[Cdecl]<nint*, nint>)torch["_ZN5torch8autograd16get_current_nodeEv"];
        ReleaseShared = (delegate* unmanaged[Cdecl]<nint, void>)torch["_ZNSt16_Sp_counted_baseILN9__gnu_cxx12_Lock_policyE2EE10_M_releaseEv"];
        RegisterHook = (delegate* unmanaged[Cdecl]<nint, StandardFunction*, uint>)torch["_ZNK2at10TensorBase14_register_hookESt8functionIFS0_RKS0_EE"];
        RemoveHook = (delegate* unmanaged[Cdecl]<nint, uint, void>)torch["_ZNK2at10TensorBase11remove_hookEj"];
        UndefinedTensor = core["_ZN3c1019UndefinedTensorImpl10_singletonE"];
        AllocateException = (delegate* unmanaged[Cdecl]<nuint, nint>)cpp["__cxa_allocate_exception"];
        InitPrimaryException = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint>)cpp["__cxa_init_primary_exception"];
        RuntimeErrorConstructor = (delegate* unmanaged[Cdecl]<nint, byte*, void>)cpp["_ZNSt13runtime_errorC1EPKc"];
        RuntimeErrorDestructor = cpp["_ZNSt13runtime_errorD1Ev"];
        RuntimeErrorType = cpp["_ZTISt13runtime_error"];
        ExceptionPointerConstructor = (delegate* unmanaged[Cdecl]<nint*, nint, void>)cpp["_ZNSt15__exception_ptr13exception_ptrC1EPv"];
        ExceptionPointerCopy = (delegate* unmanaged[Cdecl]<nint*, nint*, void>)cpp["_ZNSt15__exception_ptr13exception_ptrC1ERKS0_"];
        ExceptionPointerDestructor = (delegate* unmanaged[Cdecl]<nint*, void>)cpp["_ZNSt15__exception_ptr13exception_ptrD1Ev"];
        RethrowException = cpp["_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE"];
    }

    /// <summary>The functions; null where they cannot be used.</summary>
    public static AutogradEngineExports? Instance => Found.Value.Exports;

    /// <summary>Why not, as the end of a sentence; null where they can.</summary>
    public static string? Fault => Found.Value.Fault;

    /// <summary><c>Engine&amp; torch::autograd::Engine::get_default_engine()</c>.</summary>
    public delegate* unmanaged[Cdecl]<nint> DefaultEngine { get; }

    /// <summary><c>void Engine::queue_callback(std::function&lt;void()&gt;)</c>; throws C++'s exception when no pass runs on the thread.</summary>
    public delegate* unmanaged[Cdecl]<nint, StandardFunction*, void> QueueCallback { get; }

    /// <summary><c>int get_current_graph_task_id()</c>: the backward pass that runs on this thread, -1 when none does.</summary>
    public delegate* unmanaged[Cdecl, SuppressGCTransition]<int> CurrentPass { get; }

    /// <summary><c>bool get_current_graph_task_keep_graph()</c>: true when no pass runs on this thread.</summary>
    public delegate* unmanaged[Cdecl, SuppressGCTransition]<byte> CurrentPassKeepsGraph { get; }

    /// <summary><c>const std::unordered_map&lt;...&gt;* get_current_graph_task_exec_info()</c>; its fourth word is the number of elements.</summary>
    public delegate* unmanaged[Cdecl, SuppressGCTransition]<nuint*> CurrentPassNodes { get; }

    /// <summary><c>std::shared_ptr&lt;Node&gt; get_current_node()</c>: writes the pointer and its counter.</summary>
    public delegate* unmanaged[Cdecl]<nint*, nint> CurrentNode { get; }

    /// <summary><c>void std::_Sp_counted_base::_M_release()</c>, on such a counter.</summary>
    public delegate* unmanaged[Cdecl]<nint, void> ReleaseShared { get; }

    /// <summary><c>unsigned TensorBase::_register_hook(std::function&lt;TensorBase(const TensorBase&amp;)&gt;) const</c>; the tensor must require a gradient.</summary>
    public delegate* unmanaged[Cdecl]<nint, StandardFunction*, uint> RegisterHook { get; }

    /// <summary><c>void TensorBase::remove_hook(unsigned) const</c>.</summary>
    public delegate* unmanaged[Cdecl]<nint, uint, void> RemoveHook { get; }

    /// <summary>What an undefined tensor points to.</summary>
    public nint UndefinedTensor { get; }

    /// <summary><c>void* __cxa_allocate_exception(size_t)</c>.</summary>
    public delegate* unmanaged[Cdecl]<nuint, nint> AllocateException { get; }

    /// <summary><c>__cxa_init_primary_exception(void*, std::type_info*, void (*)(void*))</c>.</summary>
    public delegate* unmanaged[Cdecl]<nint, nint, nint, nint> InitPrimaryException { get; }

    /// <summary><c>std::runtime_error::runtime_error(const char*)</c>, which copies the text.</summary>
    public delegate* unmanaged[Cdecl]<nint, byte*, void> RuntimeErrorConstructor { get; }

    /// <summary>The address of its destructor.</summary>
    public nint RuntimeErrorDestructor { get; }

    /// <summary>The address of its <c>std::type_info</c>.</summary>
    public nint RuntimeErrorType { get; }

    /// <summary><c>std::exception_ptr::exception_ptr(void*)</c>, which adds a reference.</summary>
    public delegate* unmanaged[Cdecl]<nint*, nint, void> ExceptionPointerConstructor { get; }

    /// <summary>Its copy constructor.</summary>
    public delegate* unmanaged[Cdecl]<nint*, nint*, void> ExceptionPointerCopy { get; }

    /// <summary>Its destructor, which drops the reference.</summary>
    public delegate* unmanaged[Cdecl]<nint*, void> ExceptionPointerDestructor { get; }

    /// <summary>The address of <c>void std::rethrow_exception(std::exception_ptr)</c>.</summary>
    public nint RethrowException { get; }
}
