using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>
/// Tells of every operator of libtorch and every node of the backward pass that runs on this thread: what PyTorch's profiler is
/// built on (<c>at::addGlobalCallback</c>, ATen/record_function.h). TorchSharp has no profiler of its own.
/// </summary>
/// <remarks>
/// The callback's structure is that of libtorch 2.10 on x64 Linux. Where a record keeps its sequence number, which ties a node of the
/// backward pass to the operator that made it, is found by trying, so that a change is noticed and not misread.
/// </remarks>
internal sealed unsafe class OperatorRecorder : IDisposable
{
    private const int FunctionScope = 0, BackwardScope = 1, WordsSearched = 40;
    private const string Probe = "aten::neg";
    private static readonly string[] Exports =
        ["_ZN2at17addGlobalCallbackENS_22RecordFunctionCallbackE", "_ZN2at14removeCallbackEm", "_ZNK2at14RecordFunction4nameEv", "_ZN2at15sequence_number4peekEv"];

    // Callbacks are static functions; libtorch calls them on the thread that runs the operator.
    [ThreadStatic]
    private static OperatorRecorder? _onThisThread;

    private readonly delegate* unmanaged[Cdecl]<ulong, void> _remove;
    private readonly delegate* unmanaged[Cdecl]<nint, nint> _name;
    private readonly delegate* unmanaged[Cdecl]<ulong> _peek;
    private readonly ulong _forwardCallback;
    private readonly ulong _backwardCallback;
    private HashSet<int>? _candidates;
    private IOperatorListener? _listener;
    private int _sequenceWord;

    /// <summary>Starts to record this thread.</summary>
    /// <exception cref="DistributedException">This libtorch is not one whose records can be read.</exception>
    public OperatorRecorder()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            throw Unreadable("it is read on Linux x64 only");
        }

        nint[] functions = FindExports();
        var add = (delegate* unmanaged[Cdecl]<Callback, ulong>)functions[0];
        _remove = (delegate* unmanaged[Cdecl]<ulong, void>)functions[1];
        _name = (delegate* unmanaged[Cdecl]<nint, nint>)functions[2];
        _peek = (delegate* unmanaged[Cdecl]<ulong>)functions[3];
        _onThisThread = this;
        _forwardCallback = add(Callback.For(FunctionScope, &StartOperator, &End));
        _backwardCallback = add(Callback.For(BackwardScope, &StartNode, &End));
        try
        {
            FindSequenceNumber();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The sequence number that the next operator with a gradient gets.</summary>
    public ulong NextSequence => _peek();

    /// <summary>Tells <paramref name="listener"/> from now on; null for nobody.</summary>
    public void Tell(IOperatorListener? listener) => _listener = listener;

    /// <inheritdoc/>
    public void Dispose()
    {
        _remove(_forwardCallback);
        _remove(_backwardCallback);
        _onThisThread = null;
    }

    private static nint[] FindExports()
    {
        InitializeDeviceType(DeviceType.CPU); // Loads the library.
        return NativeLibrary.TryLoad("torch_cpu", typeof(Tensor).Assembly, null, out nint library)
            ? Array.ConvertAll(Exports, name => NativeLibrary.TryGetExport(library, name, out nint address) ? address : throw Unreadable($"{name} is not found"))
            : throw Unreadable("torch_cpu is not loaded");
    }

    private static DistributedException Unreadable(string why) =>
        new($"libtorch's operators cannot be recorded ({why}). Measure without --profile, or use the libtorch version that this program was built for.");

    // Operators with a gradient raise the number; the word that follows it through all of them is the one.
    private void FindSequenceNumber()
    {
        _candidates = [.. Enumerable.Range(1, WordsSearched - 1)];
        using (DisposeScope scope = NewDisposeScope())
        {
            Tensor x = ones(1, requires_grad: true);
            for (int i = 0; i < 16; i++)
            {
                x = x.neg();
            }
        }

        HashSet<int> found = _candidates;
        _candidates = null;
        _sequenceWord = found.Count == 1 ? found.Single() : throw Unreadable($"{found.Count} places could be its sequence number");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint* StartOperator(nint* context, nint record)
    {
        *context = 0;
        if (_onThisThread is { } recorder)
        {
            string name = Marshal.PtrToStringUTF8(recorder._name(record))!;
            recorder._listener?.Start(name, backwardOf: null);
            if (name == Probe)
            {
                recorder._candidates?.RemoveWhere(word => ((ulong*)record)[word] != recorder._peek());
            }
        }

        return context;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint* StartNode(nint* context, nint record)
    {
        *context = 0;
        if (_onThisThread is { } recorder)
        {
            recorder._listener?.Start(Marshal.PtrToStringUTF8(recorder._name(record))!, ((ulong*)record)[recorder._sequenceWord]);
        }

        return context;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void End(nint record, nint context) => _onThisThread?._listener?.End();

    /// <summary>at::RecordFunctionCallback.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Callback
    {
        private delegate* unmanaged[Cdecl]<nint*, nint, nint*> _start;
        private delegate* unmanaged[Cdecl]<nint, nint, void> _end;
        private double _samplingProbability;
        private fixed byte _scopes[10];
        private readonly byte _needsInputs;
        private readonly byte _needsOutputs;
        private readonly byte _needsIds;

        public static Callback For(int scope, delegate* unmanaged[Cdecl]<nint*, nint, nint*> start, delegate* unmanaged[Cdecl]<nint, nint, void> end)
        {
            var callback = new Callback { _start = start, _end = end, _samplingProbability = 1 };
            callback._scopes[scope] = 1;
            return callback;
        }
    }
}
