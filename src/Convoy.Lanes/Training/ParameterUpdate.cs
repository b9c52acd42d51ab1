using Convoy.Distributed.Nn;
using Convoy.Lanes.Models;
using Convoy.Torch.Amp;
using Convoy.Torch.Nn;
using Convoy.Torch.Optim;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Lanes.Training;

/// <summary>
/// What happens to the parameters after the last backward pass of an update: unscaling, clipping, AdamW, zeroing the gradients. Fused they are one
/// pass over memory, with one before that reads the gradients; otherwise each is a pass or more of its own.
/// </summary>
internal sealed class ParameterUpdate : IDisposable
{
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly GradScaler _scaler;
    private readonly double _clip;

    /// <param name="options">The run's settings.</param>
    /// <param name="model">The model; stays the caller's.</param>
    /// <param name="scaler">What scaled the loss.</param>
    /// <param name="learningRate">The first learning rate.</param>
    public ParameterUpdate(TrainingOptions options, DistributedDataParallel<Tensor, Tensor> model, GradScaler scaler, double learningRate)
    {
        (_model, _scaler, _clip) = (model, scaler, options.Clip);
        Optimizer = options.Fuse.HasFlag(FusedOperations.Optimizer)
            ? new FusedAdamW(model.parameters(), learningRate, weight_decay: options.WeightDecay) { MaxNorm = options.Clip, ZeroGradients = true }
            : optim.AdamW(model.parameters(), learningRate, weight_decay: options.WeightDecay);
    }

    /// <summary>The optimizer over all of the model's parameters in their order, for checkpoints. Both kinds load each other's state.</summary>
    public AdamW Optimizer { get; }

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
                nn.utils.clip_grad_norm_(_model.parameters(), _clip);
            }

            _scaler.Step(Optimizer);
            _model.ZeroGrad();
        }

        _scaler.Update();
    }

    public void Dispose() => Optimizer.Dispose();
}
