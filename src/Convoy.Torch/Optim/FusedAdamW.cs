using Convoy.Torch.Amp;
using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>
/// AdamW in one pass over memory, as PyTorch's <c>AdamW(fused=True)</c>: parameters, gradients and moments are read once and written once,
/// and unscaling, clipping and zeroing the gradients happen on the way. For dense float32 and float64 parameters on the CPU.
/// </summary>
/// <remarks>
/// <para>
/// It is TorchSharp's <see cref="AdamW"/> with another <see cref="step"/>: the same options, groups, betas and learning rate schedulers, and the same
/// updates to rounding. The <c>state_dict()</c> of one loads into the other; only TorchSharp's own files name the class and load into no other. The moments
/// of a group lie in two stretches of memory; parameters and gradients are used where they are, in the buckets of <c>DistributedDataParallel</c> or anywhere else.
/// </para>
/// <para>
/// With <see cref="MaxNorm"/> or a <see cref="GradScaler"/> a pass that only reads the gradients comes first: it gives their norm and tells whether they are finite.
/// The result does not depend on the number of threads (<c>torch.set_num_threads</c>). A parameter that is given several times (tied weights) is updated once.
/// </para>
/// <para>
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019). Weights change behind libtorch's back, but their versions are raised, so that going
/// back through a graph that kept the old ones is an error as ever. Not for several threads at a time.
/// </para>
/// </remarks>
public sealed class FusedAdamW : AdamW, IUnscalingOptimizer
{
    private readonly Dictionary<nint, FusedParameter> _parameters = [];
    private readonly List<Tensor> _moments = [];
    private double _maxNorm;
    private double? _squaredNorm;

    /// <summary>An optimizer with one group.</summary>
    /// <param name="parameters">Dense float32 or float64 parameters on the CPU.</param>
    /// <param name="lr">The learning rate. Default: 0.001.</param>
    /// <param name="beta1">How much of the mean of the gradients stays with each step. Default: 0.9.</param>
    /// <param name="beta2">How much of the mean of their squares stays. Default: 0.999.</param>
    /// <param name="eps">What is added to the denominator. Default: 1e-8.</param>
    /// <param name="weight_decay">The weight decay. Default: 0, as TorchSharp's <c>optim.AdamW</c> (PyTorch's is 0.01).</param>
    /// <param name="maximize">Whether to maximize. Default: false.</param>
    /// <exception cref="ArgumentException">A parameter is sparse, of another type, not on the CPU, or its memory has gaps.</exception>
    public FusedAdamW(
        IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool maximize = false)
        : base(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad: false, maximize)
    {
    }

    /// <summary>An optimizer with several groups.</summary>
    /// <param name="parameters">The groups: parameters as above, with options of their own where they differ from those that follow.</param>
    /// <param name="lr">The learning rate. Default: 0.001.</param>
    /// <param name="beta1">How much of the mean of the gradients stays with each step. Default: 0.9.</param>
    /// <param name="beta2">How much of the mean of their squares stays. Default: 0.999.</param>
    /// <param name="eps">What is added to the denominator. Default: 1e-8.</param>
    /// <param name="weight_decay">The weight decay. Default: 0, as TorchSharp's <c>optim.AdamW</c> (PyTorch's is 0.01).</param>
    /// <param name="maximize">Whether to maximize. Default: false.</param>
    /// <exception cref="ArgumentException">A parameter is sparse, of another type, not on the CPU, its memory has gaps, or it is in two groups.</exception>
    /// <exception cref="NotSupportedException">A group asks for <c>amsgrad</c>.</exception>
    public FusedAdamW(
        IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool maximize = false)
        : base(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad: false, maximize)
    {
    }

    /// <summary>
    /// The norm that the gradients of all groups together are clipped to in each step, as by <c>nn.utils.clip_grad_norm_</c> (its <c>max_norm</c>); 0: they are not clipped.
    /// The gradients in memory stay as they are. Default: 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 0 or not finite.</exception>
    public double MaxNorm
    {
        get => _maxNorm;
        set => _maxNorm = value >= 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), FormattableString.Invariant($"{nameof(MaxNorm)} is {value}. Give a number of at least 0; 0 clips nothing."));
    }

    /// <summary>Whether a step leaves the gradients zero, in the same pass, so that nobody else has to zero them. Default: false, as in PyTorch.</summary>
    /// <remarks>
    /// They are zeroed in place, and a step that <see cref="GradScaler"/> skips zeroes them, too. <c>DistributedDataParallel.ZeroGrad</c> may then be left out, unless unused
    /// parameters are looked for: only it lets their gradients become none.
    /// </remarks>
    public bool ZeroGradients { get; set; }

    /// <summary>The norm of all gradients in the last step that needed it, unscaled and before clipping: what <c>clip_grad_norm_</c> returns. NaN before.</summary>
    public double LastTotalNorm { get; private set; } = double.NaN;

    /// <summary>Updates the parameters that have a gradient.</summary>
    /// <param name="closure">Computes the loss and the gradients first.</param>
    /// <returns>What <paramref name="closure"/> returned; null without it.</returns>
    /// <exception cref="NotSupportedException">A gradient is sparse.</exception>
    /// <exception cref="InvalidOperationException">A parameter was disposed, or its memory has another order than when the optimizer was made.</exception>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        Tensor? loss = null;
        if (closure is not null)
        {
            using var withGradient = enable_grad();
            loss = closure();
        }

        _squaredNorm = null;
        Update(inverseScale: 1);
        return loss!;
    }

    /// <summary>Adds parameters with options of their own.</summary>
    /// <param name="param_group">The group; what its options leave open is as in the constructor.</param>
    /// <exception cref="ArgumentException">A parameter is sparse, of another type, not on the CPU, its memory has gaps, or it is in another group.</exception>
    /// <exception cref="NotSupportedException">The group asks for <c>amsgrad</c>.</exception>
    public override void add_param_group(TorchSharp.Modules.ParamGroup param_group)
    {
        // The base class calls this from its constructor, with the fields of this one initialised.
        ArgumentNullException.ThrowIfNull(param_group);
        Parameter[] parameters = [.. param_group.Parameters];
        if (param_group.Options is Options { amsgrad: true })
        {
            throw new NotSupportedException("FusedAdamW has no amsgrad. Leave it out, or use torch.optim.AdamW.");
        }

        foreach (Parameter parameter in parameters)
        {
            RequireUsable(parameter);
        }

        param_group.Parameters = parameters;
        base.add_param_group(param_group);
        Place(parameters, param_group);
    }

    /// <inheritdoc/>
    (bool AnyGradient, bool NonFinite) IUnscalingOptimizer.CheckGradients()
    {
        using var noGradient = no_grad();
        using var gradients = new FusedGradients(_parameters.Values);
        (_squaredNorm, bool isFinite) = gradients.Measure();
        return (gradients.Any, !isFinite);
    }

    /// <inheritdoc/>
    void IUnscalingOptimizer.Step(double inverseScale) => Update(inverseScale);

    /// <inheritdoc/>
    void IUnscalingOptimizer.SkipStep()
    {
        _squaredNorm = null;
        if (ZeroGradients)
        {
            using var noGradient = no_grad();
            using var gradients = new FusedGradients(_parameters.Values);
            gradients.Zero();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _moments.ForEach(moments => moments.Dispose());
        }
    }

    private void Update(double inverseScale)
    {
        using var noGradient = no_grad();
        foreach (FusedParameter parameter in _parameters.Values)
        {
            parameter.PlaceMoments();
        }

        using var gradients = new FusedGradients(_parameters.Values);
        double factor = inverseScale;
        if (_maxNorm > 0)
        {
            LastTotalNorm = Math.Sqrt(_squaredNorm ?? gradients.Measure().Sum) * inverseScale;
            factor *= Math.Min(1, _maxNorm / (LastTotalNorm + 1e-6)); // PyTorch's epsilon. NaN stays NaN.
        }

        _squaredNorm = null;
        gradients.Update(factor, ZeroGradients);
    }

    private void RequireUsable(Parameter parameter)
    {
        string? fault = parameter.device_type != DeviceType.CPU ? $"on {parameter.device_type}"
            : parameter.is_sparse ? "sparse"
            : parameter.dtype is not (ScalarType.Float32 or ScalarType.Float64) ? $"{parameter.dtype}"
            : !FlatLayout.DenseStrides(parameter).SequenceEqual(parameter.stride()) ? "a part of other memory, with gaps"
            : null;
        if (fault is not null)
        {
            throw new ArgumentException($"a parameter is {fault} (of shape [{string.Join(", ", parameter.shape)}]). FusedAdamW takes dense float32 and float64 parameters on the CPU; use torch.optim.AdamW for others.");
        }

        if (_parameters.ContainsKey(AutogradVersion.Identity(parameter)))
        {
            throw new ArgumentException($"a parameter is in two groups (of shape [{string.Join(", ", parameter.shape)}]). Give it once.");
        }
    }

    private void Place(Parameter[] parameters, TorchSharp.Modules.ParamGroup group)
    {
        using var noGradient = no_grad();
        foreach (IGrouping<ScalarType, Parameter> ofType in parameters.DistinctBy(parameter => AutogradVersion.Identity(parameter)).GroupBy(parameter => parameter.dtype))
        {
            Parameter[] members = [.. ofType];
            (long[] offsets, long count) = FlatLayout.Offsets(members);
            Tensor averages = zeros([Math.Max(1, count)], ofType.Key).DetachFromDisposeScope(), squares = zeros([Math.Max(1, count)], ofType.Key).DetachFromDisposeScope();
            _moments.AddRange([averages, squares]);
            for (int i = 0; i < members.Length; i++)
            {
                _parameters.Add(AutogradVersion.Identity(members[i]), new FusedParameter(members[i], (State)_state[members[i].Handle], group, averages, squares, offsets[i]));
            }
        }

        // Other handles of a tied parameter have its state.
        foreach (Parameter parameter in parameters)
        {
            _state[parameter.Handle] = _parameters[AutogradVersion.Identity(parameter)].State;
        }
    }
}
