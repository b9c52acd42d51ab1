using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Folds batch norms into the convolutions before them: in evaluation batch norm is the affine map g (x - mean) / sqrt(var + eps) + b of
/// each channel, which goes into the convolution's weights and a bias. Works on any network, as PyTorch's <c>torch.fx.experimental.optimization.fuse</c>;
/// for one pair, <c>torch.nn.utils.fusion.fuse_conv_bn_eval</c>.
/// </summary>
/// <remarks>
/// Source: Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 3.2.
/// </remarks>
public static class BatchNormFolding
{
    /// <summary>
    /// Folds in place. Which batch norm follows which convolution is seen from one forward pass: a convolution's output that goes unchanged, and only once, through a
    /// batch norm's <c>call</c>. A batch norm without running statistics, or without such a convolution, stays. Afterwards a second pass must give the first one's output to rounding.
    /// </summary>
    /// <param name="network">The network, in evaluation mode; float32 or float64. To keep one that can be trained, fold another with the same state. Batch norms must be held in fields, lists or dictionaries that admit any <c>Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="run">Runs it forward on an example, through the modules' <c>call</c>; small numbers without structure, such as <c>randn</c>, do. Called twice.</param>
    /// <param name="dtype">
    /// The type that the network's floating-point parameters and buffers get: float32, float64 or bfloat16. Folding is done in float64 and rounded once. Null, the default: they keep their type.
    /// </param>
    /// <typeparam name="T">The network's type.</typeparam>
    /// <returns>How many batch norms were folded.</returns>
    /// <exception cref="ArgumentException">Another type; or a batch norm's field admits no other module, which the message names. Nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">The network is in training mode, or computes something else when it is folded, as an output of a convolution is used elsewhere, too. It computes what it did before.</exception>
    public static int Fold<T>(T network, Func<T, Tensor> run, ScalarType? dtype = null)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(run);
        if (dtype is not (null or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16))
        {
            throw new ArgumentException($"a folded network cannot be {dtype}. Give Float32, Float64 or BFloat16.", nameof(dtype));
        }

        if (network.training)
        {
            throw new InvalidOperationException("the network is in training mode, where batch norm is no fixed map. Call eval() first.");
        }

        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        (List<Pair> pairs, Tensor expected) = Trace(network, run);
        Dictionary<nn.Module, nn.Module> identities = pairs.ToDictionary(pair => pair.Norm, _ => (nn.Module)nn.Identity(), ReferenceEqualityComparer.Instance as IEqualityComparer<nn.Module>);
        ModuleReplacement.ReplaceAll(network, identities.GetValueOrDefault);
        foreach (Pair pair in pairs)
        {
            pair.Fold();
        }

        if (pairs.Count > 0 && !AreClose(expected, run(network)))
        {
            ModuleReplacement.ReplaceAll(network, module => pairs.Find(pair => ReferenceEquals(identities[pair.Norm], module))?.Norm);
            pairs.ForEach(pair => pair.Restore());
            throw new InvalidOperationException("the network computes something else with its batch norms folded into its convolutions. Leave it as it is: an output of a convolution goes elsewhere, too.");
        }

        pairs.ForEach(pair => pair.Norm.Dispose());
        if (dtype is { } type)
        {
            network.to(type);
            pairs.ForEach(pair => pair.Write());
        }

        return pairs.Count;
    }

    // Follows the outputs of convolutions into batch norms.
    private static (List<Pair> Pairs, Tensor Output) Trace<T>(T network, Func<T, Tensor> run)
        where T : nn.Module
    {
        var outputs = new List<(nn.Module<Tensor, Tensor> Convolution, Tensor Output, long Version)>();
        var inputs = new List<(nn.Module<Tensor, Tensor> Norm, nn.Module<Tensor, Tensor>? Convolution)>();
        var removals = new List<Action>();
        try
        {
            foreach (nn.Module<Tensor, Tensor> module in network.modules().OfType<nn.Module<Tensor, Tensor>>())
            {
                if (IsConvolution(module))
                {
                    removals.Add(module.register_forward_hook((_, _, output) =>
                    {
                        outputs.Add((module, output, AutogradVersion.Get(output)));
                        return output;
                    }).remove);
                }
                else if (IsNorm(module))
                {
                    removals.Add(module.register_forward_pre_hook((_, input) =>
                    {
                        // The very same handle, and not written to in between.
                        (nn.Module<Tensor, Tensor>? convolution, Tensor? output, long version) = outputs.Find(entry => ReferenceEquals(entry.Output, input));
                        inputs.Add((module, output is not null && AutogradVersion.Get(input) == version ? convolution : null));
                        return input;
                    }).remove);
                }
            }

            Tensor result = run(network);
            IEnumerable<Pair> pairs = inputs
                .Where(entry => entry.Convolution is not null
                    && inputs.Count(other => other.Norm == entry.Norm || other.Convolution == entry.Convolution) == 1
                    && outputs.Count(output => output.Convolution == entry.Convolution) == 1)
                .Select(entry => new Pair(entry.Convolution!, entry.Norm));
            return ([.. pairs], result);
        }
        finally
        {
            removals.ForEach(remove => remove());
        }
    }

    private static bool IsConvolution(nn.Module module) => module is TorchSharp.Modules.Convolution { transposed: false } or TunedConv2d;

    private static bool IsNorm(nn.Module<Tensor, Tensor> module) => module is BatchNorm or FusedBatchNorm && module.get_buffer("running_var") is not null;

    // Of what is not finite nothing can be said.
    private static bool AreClose(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        double tolerance = expected.dtype switch { ScalarType.Float64 => 1e-9, ScalarType.Float32 => 1e-3, _ => 0.2 };
        Tensor exact = expected.to(ScalarType.Float64);
        double norm = exact.norm().item<double>(), error = (actual.to(ScalarType.Float64) - exact).norm().item<double>();
        return !double.IsFinite(norm) || error <= tolerance * norm;
    }

    // A convolution and the batch norm behind it, with the folded numbers in float64.
    private sealed class Pair
    {
        private readonly Parameter _weight;
        private readonly Tensor _wideWeight;
        private readonly Tensor _wideBias;
        private readonly Tensor _oldWeight;
        private readonly Tensor? _oldBias;
        private readonly nn.Module<Tensor, Tensor> _convolution;

        public Pair(nn.Module<Tensor, Tensor> convolution, nn.Module<Tensor, Tensor> norm)
        {
            (_convolution, Norm) = (convolution, norm);
            _weight = convolution.get_parameter("weight")!;
            double eps = norm is FusedBatchNorm fused ? fused.Eps : ((BatchNorm)norm).eps;
            Tensor deviation = (Wide(norm.get_buffer("running_var")!) + eps).sqrt();
            Tensor scale = norm.get_parameter("weight") is { } gain ? Wide(gain) / deviation : 1 / deviation;
            Tensor shift = -Wide(norm.get_buffer("running_mean")!);
            if (Bias is { } bias)
            {
                shift = Wide(bias) + shift;
            }

            _wideBias = shift * scale;
            if (norm.get_parameter("bias") is { } offset)
            {
                _wideBias = Wide(offset) + _wideBias;
            }

            _wideWeight = Wide(_weight) * scale.reshape([-1, .. Enumerable.Repeat(1L, (int)_weight.dim() - 1)]);
            _oldWeight = _weight.detach().clone();
            _oldBias = Bias?.detach().clone();
        }

        public nn.Module<Tensor, Tensor> Norm { get; }

        private Parameter? Bias => _convolution.get_parameter("bias");

        // Folds; the numbers are rounded to the convolution's type.
        public void Fold()
        {
            if (Bias is null)
            {
                var bias = new Parameter(_wideBias.to(_weight.dtype, copy: true), requires_grad: _weight.requires_grad);
                bias.DetachFromDisposeScope();
                if (_convolution is TunedConv2d tuned)
                {
                    tuned.AddBias(bias);
                }
                else
                {
                    ((TorchSharp.Modules.Convolution)_convolution).bias = bias;
                }
            }

            Write();
        }

        // Once more after the network's type was changed: in place, whatever the tensors are by now.
        public void Write()
        {
            _convolution.get_parameter("weight")!.copy_(_wideWeight);
            Bias!.copy_(_wideBias);
        }

        public void Restore()
        {
            _weight.copy_(_oldWeight);
            if (_oldBias is null)
            {
                Bias!.zero_();
            }
            else
            {
                Bias!.copy_(_oldBias);
            }
        }

        private static Tensor Wide(Tensor values) => values.to(ScalarType.Float64);
    }
}
