using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Loops;

/// <summary>Keeps gradients from growing without bound, as <c>torch.nn.utils.clip_grad_norm_</c>.</summary>
public static class GradientClipping
{
    /// <summary>
    /// Scales all gradients so that their norm, taken over all of them as one vector, is at most <paramref name="maxNorm"/>: by <c>maxNorm / (norm + 1e-6)</c> where that is below 1. A tied weight counts once
    /// (TorchSharp's <c>clip_grad_norm_</c> counts and scales it once for each of its names). After <c>DistributedDataParallel</c> averaged them every rank has the same gradients and
    /// comes to the same norm, so that the ranks need not speak; of a scaled loss, <c>GradScaler.Unscale</c> comes first.
    /// </summary>
    /// <param name="parameters">The parameters; those without a gradient do not count.</param>
    /// <param name="maxNorm">The largest norm; above 0.</param>
    /// <param name="normType">Which norm: 2 for Euclid's, 1 for the sum, infinity for the largest element; above 0. Default: 2.</param>
    /// <returns>The norm before; infinite or not a number where a gradient is (PyTorch's <c>error_if_nonfinite=False</c>): of a norm that is not a number no gradient is one, of an infinite one the infinite gradients are not and the others 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is not above 0.</exception>
    public static double ClipNorm(IEnumerable<Parameter> parameters, double maxNorm, double normType = 2)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxNorm);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(normType);
        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        Tensor[] gradients = [.. parameters.DistinctBy(parameter => AutogradVersion.Identity(parameter)).Select(parameter => parameter.grad).OfType<Tensor>()];
        if (gradients.Length == 0)
        {
            return 0;
        }

        float order = (float)normType;
        double norm = stack([.. gradients.Select(gradient => gradient.norm(order).to(ScalarType.Float64))]).norm(order).item<double>();
        double factor = maxNorm / (norm + 1e-6);
        if (factor is not >= 1)
        {
            foreach (Tensor gradient in gradients)
            {
                gradient.mul_(factor);
            }
        }

        return norm;
    }
}
