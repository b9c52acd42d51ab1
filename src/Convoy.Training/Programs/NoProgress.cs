namespace Convoy.Training.Programs;

/// <summary>Where nobody watches how far the making of data is.</summary>
internal sealed class NoProgress : IProgress<(int Done, int Total)>
{
    /// <summary>The one there is; it holds nothing.</summary>
    public static NoProgress Instance { get; } = new();

    /// <inheritdoc/>
    public void Report((int Done, int Total) value)
    {
    }
}
