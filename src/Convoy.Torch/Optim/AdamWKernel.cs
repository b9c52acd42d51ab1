using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Optim;

/// <summary>AdamW's update (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019) in one pass over parameters, gradients and moments.</summary>
/// <remarks>
/// One element takes 16 bytes read and 16 written in float32, which is what the time goes to: stores around the caches would save nothing,
/// as every line that is written was read before. Elements at the end of a piece are computed by the same operations as those in
/// vectors, each rounded once, so the result does not depend on where pieces begin.
/// </remarks>
internal static unsafe class AdamWKernel
{
    /// <summary>Updates the piece's elements.</summary>
    /// <param name="piece">What to update.</param>
    /// <param name="zeroGradients">Whether the gradients become zero.</param>
    public static void Run(in AdamWPiece piece, bool zeroGradients)
    {
        if (piece.Dtype == ScalarType.Float64)
        {
            Run<double>(piece, zeroGradients);
        }
        else
        {
            Run<float>(piece, zeroGradients);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // The first updates count, too.
    private static void Run<T>(in AdamWPiece piece, bool zeroGradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        byte* p = (byte*)piece.Parameter, g = (byte*)piece.Gradient, m = (byte*)piece.Average, v = (byte*)piece.SquareAverage;
        AdamWCoefficients by = piece.Coefficients;
        T factor = T.CreateTruncating(by.GradientFactor), decay = T.CreateTruncating(by.Decay), eps = T.CreateTruncating(by.Eps), step = T.CreateTruncating(by.StepSize);
        T beta1 = T.CreateTruncating(by.Beta1), beta2 = T.CreateTruncating(by.Beta2), root = T.CreateTruncating(by.RootFactor);
        T rest1 = T.CreateTruncating(1 - by.Beta1), rest2 = T.CreateTruncating(1 - by.Beta2);
        Vector<T> factors = new(factor), decays = new(decay), epses = new(eps), steps = new(step), roots = new(root);
        Vector<T> beta1s = new(beta1), beta2s = new(beta2), rest1s = new(rest1), rest2s = new(rest2);
        long width = 2L * Vector<T>.Count, i = 0;
        for (; i <= piece.Count - width; i += width)
        {
            NativeElements<T>.Load(p, i, out Vector<T> pA, out Vector<T> pB);
            NativeElements<T>.Load(g, i, out Vector<T> gA, out Vector<T> gB);
            NativeElements<T>.Load(m, i, out Vector<T> mA, out Vector<T> mB);
            NativeElements<T>.Load(v, i, out Vector<T> vA, out Vector<T> vB);
            gA *= factors;
            gB *= factors;
            mA = (mA * beta1s) + (gA * rest1s);
            mB = (mB * beta1s) + (gB * rest1s);
            vA = (vA * beta2s) + (gA * gA * rest2s);
            vB = (vB * beta2s) + (gB * gB * rest2s);
            pA = (pA * decays) - (steps * mA / ((Vector.SquareRoot(vA) * roots) + epses));
            pB = (pB * decays) - (steps * mB / ((Vector.SquareRoot(vB) * roots) + epses));
            NativeElements<T>.Store(p, i, pA, pB);
            NativeElements<T>.Store(m, i, mA, mB);
            NativeElements<T>.Store(v, i, vA, vB);
            if (zeroGradients)
            {
                NativeElements<T>.Store(g, i, Vector<T>.Zero, Vector<T>.Zero);
            }
        }

        for (; i < piece.Count; i++)
        {
            T gradient = ((T*)g)[i] * factor;
            T average = (((T*)m)[i] * beta1) + (gradient * rest1);
            T square = (((T*)v)[i] * beta2) + (gradient * gradient * rest2);
            ((T*)p)[i] = (((T*)p)[i] * decay) - (step * average / ((T.Sqrt(square) * root) + eps));
            ((T*)m)[i] = average;
            ((T*)v)[i] = square;
            if (zeroGradients)
            {
                ((T*)g)[i] = T.Zero;
            }
        }
    }
}

/// <summary>Elements of one parameter that one thread updates: where they, their gradients and their moments lie.</summary>
/// <param name="Parameter">The first element.</param>
/// <param name="Gradient">Its gradient.</param>
/// <param name="Average">Its mean of gradients.</param>
/// <param name="SquareAverage">Its mean of squared gradients.</param>
/// <param name="Count">How many elements.</param>
/// <param name="Dtype">Float32 or Float64.</param>
/// <param name="Coefficients">The factors of the update.</param>
internal readonly record struct AdamWPiece(nint Parameter, nint Gradient, nint Average, nint SquareAverage, long Count, ScalarType Dtype, AdamWCoefficients Coefficients);

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
    public static AdamWCoefficients ForStep(AdamW.Options options, long step, double gradientFactor)
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
