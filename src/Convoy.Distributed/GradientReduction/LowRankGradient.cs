using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>What PowerSGD keeps of a parameter whose gradient is compressed.</summary>
internal sealed class LowRankGradient : IDisposable
{
    /// <param name="parameter">The parameter. It is kept alive, so that its handle names no other.</param>
    /// <param name="rank">The number of columns of the factors.</param>
    public LowRankGradient(Parameter parameter, long rank)
    {
        Parameter = parameter;
        Rows = parameter.shape[0];
        Columns = parameter.numel() / Rows;
        Rank = rank;
        Type = ComputingType(parameter.dtype);
    }

    public Parameter Parameter { get; }

    public long Rows { get; }

    public long Columns { get; }

    public long Rank { get; }

    /// <summary>What is computed with and kept: float32 for half types.</summary>
    public ScalarType Type { get; }

    /// <summary>What earlier compression lost on this rank, [rows, columns]; null: nothing yet, or it is not kept.</summary>
    public Tensor? Error { get; private set; }

    /// <summary>The right factor of the last step, [columns, rank]; null: none.</summary>
    public Tensor? Right { get; private set; }

    /// <summary>The rank of an approximation of a gradient of so many rows and columns; 0: it is not worth it.</summary>
    public static long RankFor(Parameter parameter, PowerSGDOptions options)
    {
        long elements = parameter.numel();
        if (parameter.dim() < 2 || elements == 0)
        {
            return 0;
        }

        long rows = parameter.shape[0], columns = elements / rows;
        long rank = Math.Min(Math.Min(rows, columns), options.MatrixApproximationRank);
        return (rows + columns) * rank * options.MinCompressionRate < elements ? rank : 0;
    }

    /// <summary>The type that is computed with for gradients of a type.</summary>
    public static ScalarType ComputingType(ScalarType type) => type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>This step's gradient with what earlier steps lost, [rows, columns].</summary>
    public Tensor Begin(Tensor gradient, bool keepsError)
    {
        using Tensor matrix = gradient.reshape(Rows, Columns);
        if (!keepsError)
        {
            return matrix.to(Type);
        }

        Error ??= zeros([Rows, Columns], Type).DetachFromDisposeScope();
        return Error.add_(matrix).alias();
    }

    /// <summary>Keeps what the approximation has lost of what <see cref="Begin"/> gave.</summary>
    public void KeepError(Tensor approximation) => Error!.sub_(approximation);

    /// <summary>Keeps the right factor for the next step.</summary>
    public void KeepRight(Tensor right)
    {
        Right ??= empty([Columns, Rank], Type).DetachFromDisposeScope();
        Right.copy_(right);
    }

    /// <summary>Takes over state that was saved.</summary>
    public void Load(Tensor? error, Tensor? right)
    {
        if (error is not null)
        {
            Error ??= zeros([Rows, Columns], Type).DetachFromDisposeScope();
            Error.copy_(error);
        }

        if (right is not null)
        {
            KeepRight(right);
        }
    }

    public void Dispose()
    {
        Error?.Dispose();
        Right?.Dispose();
    }
}
