namespace Convoy.Distributed.Errors;

/// <summary>Ranks called different operations, or the same one with tensors of different size or type.</summary>
public sealed class CollectiveMismatchException : DistributedException
{
    /// <param name="message">Which rank called what.</param>
    public CollectiveMismatchException(string message)
        : base(message)
    {
    }
}
