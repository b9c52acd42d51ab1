using TorchSharp.Modules;

namespace Convoy.Torch.Optim;

/// <summary>The factors of one update of one parameter; all elements share them.</summary>
/// <param name="GradientFactor">What each gradient is multiplied by first: inverse scale, clipping, and -1 to maximize.</param>
/// <param name="Decay">1 - learning rate * weight decay.</param>
/// <param name="Beta1">How much of the mean of the gradients stays.</param>
/// <param name="Beta2">How much of the mean of the squared gradients stays.</param>
/// <param name="RootFactor">1 / sqrt(1 - beta2^step).</param>
/// <param name="Eps">What is added to the denominator.</param>
/// <param name="StepSize">learning rate / (1 - beta1^step).</param>
internal readonly record struct AdamWCoefficients(double GradientFactor, double Decay, double Beta1, double Beta2, double RootFactor, double Eps, double StepSize)
{
    /// <summary>The factors of update number <paramref name="step"/>, from 1, as PyTorch's AdamW computes them.</summary>
    public static AdamWCoefficients Of(AdamW.Options options, long step, double gradientFactor)
    {
        double learningRate = options.LearningRate!.Value, beta1 = options.beta1!.Value, beta2 = options.beta2!.Value;
        return new AdamWCoefficients(
            options.maximize!.Value ? -gradientFactor : gradientFactor,
            1 - (learningRate * options.weight_decay!.Value),
            beta1,
            beta2,
            1 / Math.Sqrt(1 - Math.Pow(beta2, step)),
            options.eps!.Value,
            learningRate / (1 - Math.Pow(beta1, step)));
    }
}
