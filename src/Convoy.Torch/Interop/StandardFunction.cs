using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Convoy.Torch.Interop;

/// <summary>
/// A <c>std::function</c> as GCC's C++ library lays it out: two words for what it holds, a function that copies and frees that, and one that is
/// called with its address. It is passed by address; who was given it takes its content, and the giver frees what is left.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StandardFunction
{
    private const int GetTypeInfo = 0;
    private const int GetPointer = 1;
    private const int Clone = 2;
    private const int Destroy = 3;
    private const nuint SizeOfRuntimeError = 16;

    private nint _data;
    private readonly nint _unused;
    private delegate* unmanaged[Cdecl]<nint*, nint*, int, byte> _manager;
    private nint _invoker;

    /// <summary>A function that holds a managed object as long as it lives.</summary>
    /// <param name="held">The object.</param>
    /// <param name="invoker">An unmanaged function whose argument for the function object is given to <see cref="Held{T}"/>.</param>
    public static StandardFunction Holding(object held, nint invoker) => new()
    {
        _data = GCHandle.ToIntPtr(GCHandle.Alloc(held)),
        _manager = &ManageHandle,
        _invoker = invoker,
    };

    /// <summary>
    /// A <c>std::function&lt;void()&gt;</c> that throws <c>std::runtime_error</c>. A managed exception cannot pass through C++ code, so no managed code is in it: what is called is
    /// <c>std::rethrow_exception</c>, whose argument, an <c>exception_ptr</c>, is passed by address as the function object is.
    /// </summary>
    /// <param name="exports">Where the functions are.</param>
    /// <param name="message">What the error says.</param>
    public static StandardFunction Throwing(AutogradEngineExports exports, string message)
    {
        nint error = exports.AllocateException(SizeOfRuntimeError);
        exports.InitPrimaryException(error, exports.RuntimeErrorType, exports.RuntimeErrorDestructor);
        fixed (byte* text = Encoding.UTF8.GetBytes(message.Replace("\0", "", StringComparison.Ordinal) + "\0"))
        {
            exports.RuntimeErrorConstructor(error, text);
        }

        var function = new StandardFunction { _manager = &ManageException, _invoker = exports.RethrowException };
        exports.ExceptionPointerConstructor(&function._data, error);
        return function;
    }

    /// <summary>The object that a function made by <see cref="Holding"/> holds.</summary>
    /// <param name="function">The argument that an invoker is called with; no longer valid when more callbacks were queued.</param>
    public static T Held<T>(nint* function)
        where T : class => Unsafe.As<T>(GCHandle.FromIntPtr(*function).Target!);

    /// <summary>Frees what was not taken.</summary>
    public void Free()
    {
        if (_manager is not null)
        {
            fixed (nint* data = &_data)
            {
                _ = _manager(data, data, Destroy);
            }

            _manager = null;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte ManageHandle(nint* target, nint* source, int operation)
    {
        switch (operation)
        {
            case GetTypeInfo:
                *target = 0;
                break;
            case GetPointer:
                *target = (nint)source;
                break;
            case Clone:
                *target = GCHandle.ToIntPtr(GCHandle.Alloc(GCHandle.FromIntPtr(*source).Target));
                break;
            case Destroy:
                GCHandle.FromIntPtr(*target).Free();
                break;
        }

        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte ManageException(nint* target, nint* source, int operation)
    {
        AutogradEngineExports exports = AutogradEngineExports.Instance!;
        switch (operation)
        {
            case GetTypeInfo:
                *target = 0;
                break;
            case GetPointer:
                *target = (nint)source;
                break;
            case Clone:
                exports.ExceptionPointerCopy(target, source);
                break;
            case Destroy:
                exports.ExceptionPointerDestructor(target);
                break;
        }

        return 0;
    }
}
