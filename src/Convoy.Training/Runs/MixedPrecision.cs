using Convoy.Distributed;
using Convoy.Distributed.Amp;
using Convoy.Torch.Amp;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>What a run's precision means for a step: the region of the forward pass, and the scaler that float16 needs.</summary>
/// <param name="precision">The run's precision.</param>
/// <param name="group">The ranks, which leave out the same updates.</param>
internal sealed class MixedPrecision(Precision precision, ProcessGroup group)
{
    /// <summary>Scales the loss and steps the optimizer; disabled unless the precision is fp16.</summary>
    public GradScaler Scaler { get; } = new DistributedGradScaler(group, enabled: precision == Precision.Fp16);

    /// <summary>The scaler's state for a checkpoint, null where there is none.</summary>
    public IReadOnlyDictionary<string, double>? State => Scaler.IsEnabled ? Scaler.StateDict() : null;

    /// <summary>Enters the region of a forward pass; null for fp32.</summary>
    public IDisposable? EnterForward() => precision switch
    {
        Precision.Bf16 => Autocast.Enter(DeviceType.CPU, ScalarType.BFloat16),
        Precision.Fp16 => Autocast.Enter(DeviceType.CPU, ScalarType.Float16),
        _ => null,
    };

    /// <summary>Goes on with a checkpoint's scaler; a run whose precision was changed starts with a new one.</summary>
    public void Restore(IReadOnlyDictionary<string, double>? state)
    {
        if (state is not null)
        {
            Scaler.LoadStateDict(state);
        }
    }
}
