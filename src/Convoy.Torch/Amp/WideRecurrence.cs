using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>
/// Keeps LSTM layers in float32 inside autocast regions on processors for which oneDNN has no LSTM of the narrow type. libtorch casts their inputs and asks for it
/// all the same, and TorchSharp does not catch the error, which ends the process. GRU and RNN layers are made of matrix products, which there are.
/// </summary>
/// <remarks>
/// libtorch tells observers of each operation (<c>at::RecordFunction</c>) before it looks up the type to cast to. This one makes that type float32 for as long as
/// oneDNN's LSTM runs. In a region that has it an operation costs some hundred nanoseconds more.
/// </remarks>
internal sealed unsafe class WideRecurrence
{
    private static readonly string[] Functions = ["_ZN2at22addThreadLocalCallbackENS_22RecordFunctionCallbackE", "_ZN2at14removeCallbackEm", "_ZNK2at14RecordFunction4nameEv"];

    // Observers are called by libtorch with nothing but the operation, and also on threads to which it carries the state of this one, such as those that
    // run parts of a backward pass. What they need is the process's; only what an operation changes belongs to its thread.
    private static AutocastLibrary? _observing;
    private static delegate* unmanaged[Cdecl]<nint, byte*> _nameOf;

    [ThreadStatic]
    private static State _state;

    private readonly AutocastLibrary _library;
    private readonly delegate* unmanaged[Cdecl]<Observer, ulong> _add;
    private readonly delegate* unmanaged[Cdecl]<ulong, void> _remove;
    private readonly nint _operationName;

    private WideRecurrence(AutocastLibrary library, nint add, nint remove, nint operationName)
    {
        _library = library;
        _add = (delegate* unmanaged[Cdecl]<Observer, ulong>)add;
        _remove = (delegate* unmanaged[Cdecl]<ulong, void>)remove;
        _operationName = operationName;
    }

    /// <summary>What regions of this process need; null: libtorch lacks the functions, or how C++ passes their arguments is not known for this processor.</summary>
    /// <param name="library">Sets the type to cast to.</param>
    /// <param name="export">Gives the address of an exported function, 0 when there is none of that name.</param>
    public static WideRecurrence? Find(AutocastLibrary library, Func<string, nint> export) =>
        RuntimeInformation.ProcessArchitecture == Architecture.X64 && !OperatingSystem.IsWindows() && Functions.Select(export).ToArray() is var found && !found.Contains(0)
            ? new WideRecurrence(library, found[0], found[1], found[2])
            : null;

    /// <summary>Whether oneDNN lacks an LSTM of this type, forward or backward: of float16 on all processors, of bfloat16 on those without AVX-512.</summary>
    /// <param name="dtype">The narrow type.</param>
    /// <param name="oneDnnLimit">What <c>ONEDNN_MAX_CPU_ISA</c> says, which holds oneDNN back.</param>
    public static bool IsNeeded(ScalarType dtype, string? oneDnnLimit) =>
        dtype == ScalarType.Float16
        || !(Avx512BW.IsSupported && Avx512DQ.IsSupported)
        || (oneDnnLimit is { Length: > 0 } && !oneDnnLimit.StartsWith("AVX512", StringComparison.OrdinalIgnoreCase) && !oneDnnLimit.StartsWith("AVX10", StringComparison.OrdinalIgnoreCase) && !oneDnnLimit.Equals("DEFAULT", StringComparison.OrdinalIgnoreCase));

    /// <summary>From now on the calling thread's LSTM layers stay in float32 under autocast, until the result is given to <see cref="End(ulong)"/>.</summary>
    public ulong Begin()
    {
        _observing = _library;
        _nameOf = (delegate* unmanaged[Cdecl]<nint, byte*>)_operationName;
        return _add(new Observer { Start = &Start, End = &End, SamplingProbability = 1, ObservesFunctions = 1 });
    }

    /// <summary>Ends what <see cref="Begin"/> began, on the same thread.</summary>
    public void End(ulong observer) => _remove(observer);

    // std::unique_ptr<ObserverContext> is returned where the first argument says.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint* Start(nint* context, nint operation)
    {
        *context = 0;
        if (IsRecurrence(operation) && _state.Depth++ == 0)
        {
            _state.Narrow = _observing!.Dtype(TorchSharp.DeviceType.CPU);
            _observing!.SetDtype(TorchSharp.DeviceType.CPU, ScalarType.Float32);
        }

        return context;
    }

    // Also called when the operation throws.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void End(nint operation, nint context)
    {
        if (IsRecurrence(operation) && --_state.Depth == 0)
        {
            _observing!.SetDtype(TorchSharp.DeviceType.CPU, _state.Narrow);
        }
    }

    private static bool IsRecurrence(nint operation) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_nameOf(operation)).SequenceEqual("aten::mkldnn_rnn_layer"u8);

    private struct State
    {
        public ScalarType Narrow;

        // A region within another observes, too, and the operation calls itself once it has cast.
        public int Depth;
    }

    // at::RecordFunctionCallback: after the first scope come nine more and three flags, all false.
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Observer
    {
        public delegate* unmanaged[Cdecl]<nint*, nint, nint*> Start;
        public delegate* unmanaged[Cdecl]<nint, nint, void> End;
        public double SamplingProbability;
        public byte ObservesFunctions;
    }
}
