using System.Numerics;

namespace Convoy.Torch.Normalization;

/// <summary>What <see cref="ChannelPass"/> does with each element. What an operation does not use costs nothing: the compiler leaves it out.</summary>
internal interface IChannelOperation
{
    /// <summary>Whether the output's gradient is read.</summary>
    static abstract bool ReadsGradient { get; }

    /// <summary>Whether a third tensor is read.</summary>
    static abstract bool ReadsOther { get; }

    /// <summary>Whether the returned values are stored.</summary>
    static abstract bool Writes { get; }

    /// <summary>Whether two numbers a channel are added up.</summary>
    static abstract bool Sums { get; }

    /// <summary>Handles a vector of elements.</summary>
    /// <param name="x">Batch norm's inputs.</param>
    /// <param name="gradient">The output's gradients.</param>
    /// <param name="other">The third tensor's elements.</param>
    /// <param name="channel">The constants of the elements' channels.</param>
    /// <param name="first">The first sum of each channel.</param>
    /// <param name="second">The second sum of each channel.</param>
    /// <returns>What to store.</returns>
    static abstract Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
