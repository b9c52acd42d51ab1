using System.Reflection;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>
/// libtorch's own switches for autocast. TorchSharp does not wrap them, but they are exported functions with scalar arguments
/// under their C++ names, so they are looked up in the library that TorchSharp has loaded. All of them act on the calling thread.
/// </summary>
internal sealed unsafe class AutocastLibrary
{
    private const string Library = "torch_cpu";
    private const string Prefix = "_ZN2at8autocast";

    private static readonly Lazy<AutocastLibrary> Shared = new(Load);
    private static readonly Lazy<AutocastLibrary?> SharedOrNull = new(LoadIfThere);

    private readonly delegate* unmanaged[Cdecl]<sbyte, byte> _isEnabled;
    private readonly delegate* unmanaged[Cdecl]<sbyte, byte, void> _setEnabled;
    private readonly delegate* unmanaged[Cdecl]<sbyte, sbyte> _dtype;
    private readonly delegate* unmanaged[Cdecl]<sbyte, sbyte, void> _setDtype;
    private readonly delegate* unmanaged[Cdecl]<byte> _isCacheEnabled;
    private readonly delegate* unmanaged[Cdecl]<byte, void> _setCacheEnabled;
    private readonly delegate* unmanaged[Cdecl]<int> _incrementNesting;
    private readonly delegate* unmanaged[Cdecl]<int> _decrementNesting;
    private readonly delegate* unmanaged[Cdecl]<void> _clearCache;
    private readonly WideRecurrence? _recurrence;

    /// <param name="export">Gives the address of an exported function, 0 when there is none of that name.</param>
    /// <param name="versions">What to name in the message when one is missing.</param>
    /// <exception cref="NotSupportedException">Functions are missing; the message lists them.</exception>
    public AutocastLibrary(Func<string, nint> export, string versions)
    {
        var missing = new List<string>();
        nint Find(string name)
        {
            nint address = export(Prefix + name);
            if (address == 0)
            {
                missing.Add(Prefix + name);
            }

            return address;
        }

        _isEnabled = (delegate* unmanaged[Cdecl]<sbyte, byte>)Find("19is_autocast_enabledEN3c1010DeviceTypeE");
        _setEnabled = (delegate* unmanaged[Cdecl]<sbyte, byte, void>)Find("20set_autocast_enabledEN3c1010DeviceTypeEb");
        _dtype = (delegate* unmanaged[Cdecl]<sbyte, sbyte>)Find("18get_autocast_dtypeEN3c1010DeviceTypeE");
        _setDtype = (delegate* unmanaged[Cdecl]<sbyte, sbyte, void>)Find("18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE");
        _isCacheEnabled = (delegate* unmanaged[Cdecl]<byte>)Find("25is_autocast_cache_enabledEv");
        _setCacheEnabled = (delegate* unmanaged[Cdecl]<byte, void>)Find("26set_autocast_cache_enabledEb");
        _incrementNesting = (delegate* unmanaged[Cdecl]<int>)Find("17increment_nestingEv");
        _decrementNesting = (delegate* unmanaged[Cdecl]<int>)Find("17decrement_nestingEv");
        _clearCache = (delegate* unmanaged[Cdecl]<void>)Find("11clear_cacheEv");
        if (missing.Count > 0)
        {
            throw new NotSupportedException(
                $"autocast is not available, libtorch lacks {string.Join(", ", missing)} ({versions}). Use float32, or the TorchSharp version that this library was built for (0.107).");
        }

        _recurrence = WideRecurrence.Find(this, export);
    }

    /// <summary>The functions of the loaded libtorch.</summary>
    /// <exception cref="NotSupportedException">It lacks some, as on systems whose compilers give C++ functions other names.</exception>
    public static AutocastLibrary Loaded => Shared.Value;

    /// <summary>The functions of the loaded libtorch; null when it lacks some.</summary>
    public static AutocastLibrary? LoadedOrNull => SharedOrNull.Value;

    /// <summary>What keeps LSTM layers in float32 in a CPU region of this type; null: nothing has to, or can.</summary>
    public WideRecurrence? RecurrenceFor(ScalarType dtype) =>
        WideRecurrence.IsNeeded(dtype, Environment.GetEnvironmentVariable("ONEDNN_MAX_CPU_ISA")) ? _recurrence : null;

    /// <summary>Whether autocast is on for a device.</summary>
    public bool IsEnabled(DeviceType device) => _isEnabled((sbyte)device) != 0;

    /// <summary>Switches autocast for a device.</summary>
    public void SetEnabled(DeviceType device, bool enabled) => _setEnabled((sbyte)device, enabled ? (byte)1 : (byte)0);

    /// <summary>The narrow type for a device.</summary>
    public ScalarType Dtype(DeviceType device) => (ScalarType)_dtype((sbyte)device);

    /// <summary>Sets the narrow type for a device.</summary>
    public void SetDtype(DeviceType device, ScalarType dtype) => _setDtype((sbyte)device, (sbyte)dtype);

    /// <summary>Whether casts of weights are kept.</summary>
    public bool IsCacheEnabled() => _isCacheEnabled() != 0;

    /// <summary>Says whether casts of weights are to be kept.</summary>
    public void SetCacheEnabled(bool enabled) => _setCacheEnabled(enabled ? (byte)1 : (byte)0);

    /// <summary>Counts one region more and gives how many there are now.</summary>
    public int IncrementNesting() => _incrementNesting();

    /// <summary>Counts one region less and gives how many there are now.</summary>
    public int DecrementNesting() => _decrementNesting();

    /// <summary>Lets go of all kept casts.</summary>
    public void ClearCache() => _clearCache();

    private static AutocastLibrary? LoadIfThere()
    {
        try
        {
            return Loaded;
        }
        catch (NotSupportedException)
        {
            // What is asked for is whether a region has been entered, and none can have been.
            return null;
        }
    }

    private static AutocastLibrary Load()
    {
        // TorchSharp loads its own libtorch first; after that the name leads to that one.
        InitializeDeviceType(DeviceType.CPU);
        string versions = $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}";
        return NativeLibrary.TryLoad(Library, Assembly.GetExecutingAssembly(), DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory, out nint library)
            ? new AutocastLibrary(name => NativeLibrary.TryGetExport(library, name, out nint address) ? address : 0, versions)
            : throw new NotSupportedException($"autocast is not available, the library {Library} is not where TorchSharp's natives are ({versions}). Use float32, or reference a libtorch package.");
    }
}
