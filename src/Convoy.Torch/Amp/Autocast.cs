using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Amp;

/// <summary>
/// A region of code in which libtorch runs convolutions and matrix products in a narrow type, and what needs range or precision in
/// float32, as PyTorch's <c>torch.autocast</c>: <c>using (Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16)) loss = ...;</c>
/// </summary>
/// <remarks>
/// <para>
/// Weights stay float32; each is cast once per outermost region, however often it is used (TorchSharp's <c>Linear</c> apart, which
/// hands over a view that libtorch casts each time), and its gradient is float32 again. Enter the region for the forward pass and
/// the loss, and leave it before the backward pass, which runs each operation in the type of its forward one.
/// docs/reference/autocast.md lists which operation runs in which type.
/// </para>
/// <para>
/// Regions nest, and inside one another may be entered with <c>enabled: false</c>; cast the inputs of such a part to float32
/// yourself. A region belongs to the thread that entered it: another thread, also one started inside, has none, and there must be no
/// <c>await</c> inside. The kept casts, though, are the whole process's: threads that share weights must use the same type.
/// </para>
/// <para>
/// LSTM layers on the CPU stay in float32 where oneDNN has none of the narrow type (float16 on all processors, bfloat16 on those without AVX-512).
/// </para>
/// <para>
/// Under <c>no_grad</c> do not use weights that the same outermost region also trains with: the casts kept there have no history,
/// and PyTorch's autocast has the same trap. Enter a region of its own, or pass <c>cacheEnabled: false</c>.
/// </para>
/// </remarks>
public sealed class Autocast : IDisposable
{
    private readonly AutocastLibrary _library;
    private readonly DeviceType _device;
    private readonly int _thread;
    private readonly int _depth;
    private readonly bool _enabledBefore;
    private readonly ScalarType _dtypeBefore;
    private readonly bool _cacheBefore;
    private readonly WideRecurrence? _recurrence;
    private readonly ulong _observer;
    private bool _left;

    private Autocast(AutocastLibrary library, DeviceType device, ScalarType dtype, bool enabled, bool cacheEnabled)
    {
        (_library, _device, _thread) = (library, device, Environment.CurrentManagedThreadId);
        (_enabledBefore, _dtypeBefore, _cacheBefore) = (library.IsEnabled(device), library.Dtype(device), library.IsCacheEnabled());
        library.SetEnabled(device, enabled);
        library.SetDtype(device, dtype);
        library.SetCacheEnabled(cacheEnabled);
        _depth = library.IncrementNesting();
        ClearCacheOfAnotherType();
        if (enabled && device == DeviceType.CPU && library.RecurrenceFor(dtype) is { } recurrence)
        {
            (_recurrence, _observer) = (recurrence, recurrence.Begin());
        }
    }

    /// <summary>Enters a region, which ends when the result is disposed.</summary>
    /// <param name="device">Whose operations it is about: CPU or CUDA. Those of other devices stay as they are.</param>
    /// <param name="dtype">BFloat16 or Float16; null: that of the region around, and outside any bfloat16 on the CPU and float16 on CUDA.</param>
    /// <param name="enabled">False: inside, operations run in the types of their inputs.</param>
    /// <param name="cacheEnabled">Whether a weight's cast is kept until the outermost region ends; null: as in the region around, true outside any.</param>
    /// <exception cref="ArgumentException">Another device or type.</exception>
    /// <exception cref="InvalidOperationException">CUDA is asked for and there is none.</exception>
    /// <exception cref="NotSupportedException">The loaded libtorch lacks the functions; the message names them.</exception>
    public static Autocast Enter(DeviceType device, ScalarType? dtype = null, bool enabled = true, bool? cacheEnabled = null)
    {
        RequireKnown(device);
        if (dtype is not (null or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"autocast to {dtype} is not possible. Give BFloat16 or Float16.", nameof(dtype));
        }

        AutocastLibrary library = AutocastLibrary.Loaded;
        if (enabled && device == DeviceType.CUDA && !cuda.is_available())
        {
            throw new InvalidOperationException("autocast for CUDA is asked for, but this libtorch finds no CUDA device. Use DeviceType.CPU, or a CUDA build of libtorch on a machine with a GPU.");
        }

        return new Autocast(library, device, dtype ?? library.Dtype(device), enabled, cacheEnabled ?? library.IsCacheEnabled());
    }

    /// <summary>Whether the calling thread is in an enabled region for a device. Where the loaded libtorch lacks the functions, none can have been entered.</summary>
    /// <exception cref="ArgumentException">Neither CPU nor CUDA.</exception>
    public static bool IsEnabled(DeviceType device)
    {
        RequireKnown(device);
        return AutocastLibrary.LoadedOrNull is { } library && library.IsEnabled(device);
    }

    /// <summary>The type to which the calling thread's next region casts unless told otherwise.</summary>
    /// <exception cref="ArgumentException">Neither CPU nor CUDA.</exception>
    /// <exception cref="NotSupportedException">The loaded libtorch lacks the functions.</exception>
    public static ScalarType Dtype(DeviceType device)
    {
        RequireKnown(device);
        return AutocastLibrary.Loaded.Dtype(device);
    }

    /// <summary>Leaves the region: what held before holds again, and with the outermost region the kept casts go.</summary>
    /// <exception cref="InvalidOperationException">On another thread than the region was entered, or not the innermost one. Nothing is changed.</exception>
    public void Dispose()
    {
        if (_left)
        {
            return;
        }

        int thread = Environment.CurrentManagedThreadId;
        if (thread != _thread)
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"an autocast region is left on another thread ({thread}) than it was entered on ({_thread}). Leave it where it was entered, and do not await inside."));
        }

        _library.IncrementNesting();
        int depth = _library.DecrementNesting();
        if (depth != _depth)
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"an autocast region is left that is not the innermost one (number {_depth} of {depth}). Leave regions in the opposite order; a using statement does."));
        }

        _left = true;
        _recurrence?.End(_observer);
        if (_library.DecrementNesting() == 0)
        {
            _library.ClearCache();
        }

        ClearCacheOfAnotherType();
        _library.SetEnabled(_device, _enabledBefore);
        _library.SetDtype(_device, _dtypeBefore);
        _library.SetCacheEnabled(_cacheBefore);
    }

    // libtorch keeps casts by weight alone: a region of another type would be given those of the type around it, and the other way round.
    private void ClearCacheOfAnotherType()
    {
        if (_library.Dtype(_device) != _dtypeBefore)
        {
            _library.ClearCache();
        }
    }

    // libtorch would end the process for a device that it has no autocast for.
    private static void RequireKnown(DeviceType device)
    {
        if (device is not (DeviceType.CPU or DeviceType.CUDA))
        {
            throw new ArgumentException($"autocast for {device} is not possible. Give CPU or CUDA.", nameof(device));
        }
    }
}
