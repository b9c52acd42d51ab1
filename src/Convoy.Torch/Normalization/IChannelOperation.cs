using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;

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
    static abstract TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>;
}

/// <summary>The sums of x - mean and of its square, where the mean is any number near the channel's mean: for the statistics.</summary>
internal readonly struct Moments : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        TLanes centred = x - channel.Mean;
        first += centred;
        second = TLanes.MultiplyAdd(centred, centred, second);
        return default;
    }
}

/// <summary>Batch norm.</summary>
internal readonly struct Normalize : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes> => channel.Normalize(x);
}

/// <summary>Batch norm and ReLU.</summary>
internal readonly struct NormalizeRelu : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes> =>
        ChannelVectors<T, TLanes>.Relu(channel.Normalize(x));
}

/// <summary>Batch norm, the addition of the third tensor and ReLU.</summary>
internal readonly struct NormalizeAddRelu : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => true;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes> =>
        ChannelVectors<T, TLanes>.Relu(channel.Normalize(x) + other);
}

/// <summary>The sums of dy and dy (x - mean): for the gradients.</summary>
internal readonly struct GradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        first += gradient;
        second = TLanes.MultiplyAdd(gradient, x - channel.Mean, second);
        return default;
    }
}

/// <summary><see cref="GradientSums"/> behind a ReLU, whose output is computed again.</summary>
internal readonly struct ReluGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        TLanes centred = x - channel.Mean;
        TLanes masked = TLanes.WhereAboveZero(channel.Normalize(x), gradient);
        first += masked;
        second = TLanes.MultiplyAdd(masked, centred, second);
        return default;
    }
}

/// <summary><see cref="GradientSums"/> behind an addition and a ReLU, whose output is the third tensor; writes the sum's gradient.</summary>
internal readonly struct AddReluGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => true;

    public static bool Writes => true;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        TLanes masked = TLanes.WhereAboveZero(other, gradient);
        GradientSums.Apply(x, masked, other, channel, ref first, ref second);
        return masked;
    }
}

/// <summary><see cref="GradientSums"/> behind a ReLU and a max-pool: x are the inputs that were the windows' greatest, the third tensor is their <see cref="PoolWindow"/> places.</summary>
internal readonly struct PooledGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => true;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes>
    {
        TLanes routed = TLanes.WhereEqual(other, TLanes.Broadcast(T.CreateTruncating(PoolWindow.None)), default, gradient);
        return GradientSums.Apply(x, routed, other, channel, ref first, ref second);
    }
}

/// <summary>The gradient of batch norm's input.</summary>
internal readonly struct InputGradient : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes> =>
        channel.InputGradient(x, gradient);
}

/// <summary>The gradient of batch norm's input, behind a ReLU whose output is computed again.</summary>
internal readonly struct ReluInputGradient : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Apply<T, TLanes>(TLanes x, TLanes gradient, TLanes other, in ChannelVectors<T, TLanes> channel, ref TLanes first, ref TLanes second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TLanes : unmanaged, ILanes<T, TLanes> =>
        channel.InputGradient(x, TLanes.WhereAboveZero(channel.Normalize(x), gradient));
}
