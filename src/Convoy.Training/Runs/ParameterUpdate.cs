using Convoy.Distributed.Nn;
using Convoy.Torch.Amp;
using Convoy.Torch.Nn;
using Convoy.Torch.Optim;
using Convoy.Training.Options;
using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>
/// What happens to the parameters after the last backward pass of an update: unscaling, clipping, the optimizer, zeroing the gradients. With <see cref="FusedAdamW"/> that
/// is one pass over memory, with one before it that reads the gradients; otherwise each is a pass or more of its own.
/// </summary>
internal sealed class ParameterUpdate : IDisposable
{
    private readonly DistributedDataParallel _model;
    private readonly GradScaler _scaler;
    private readonly double _clip;

    /// <param name="options">The run's settings.</param>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="scaler">What scaled the loss.</param>
    /// <param name="optimizer">The task's optimizer, from now on owned by this; null for AdamW.</param>
    public ParameterUpdate(TrainingOptions options, DistributedDataParallel model, GradScaler scaler, optim.Optimizer? optimizer)
    {
        (_model, _scaler, _clip) = (model, scaler, options.Clip);
        Optimizer = optimizer ?? (options.Fuse.Has(FusedOperations.Optimizer)
            ? new FusedAdamW(model.Parameters, options.PeakLr, weight_decay: options.WeightDecay) { MaxNorm = options.Clip, ZeroGradients = true }
            : optim.AdamW(model.Parameters, options.PeakLr, weight_decay: options.WeightDecay));
    }

    /// <summary>The optimizer over all of the model's parameters in their order, for checkpoints. AdamW and <see cref="FusedAdamW"/> load each other's state.</summary>
    public optim.Optimizer Optimizer { get; }

    /// <summary>Updates the parameters, or leaves them as they are when the scaler finds an infinity, and zeroes the gradients.</summary>
    public void Run(double learningRate)
    {
        foreach (optim.ILearningRateController parameters in Optimizer.ParamGroups)
        {
            parameters.LearningRate = learningRate;
        }

        if (Optimizer is FusedAdamW)
        {
            _scaler.Step(Optimizer);
        }
        else
        {
            _scaler.Unscale(Optimizer);
            if (_clip > 0)
            {
                nn.utils.clip_grad_norm_(_model.Parameters, _clip);
            }

            _scaler.Step(Optimizer);
            _model.ZeroGrad();
        }

        _scaler.Update();
    }

    public void Dispose() => Optimizer.Dispose();
}
