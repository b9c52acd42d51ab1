namespace Convoy.Torch.Interpolation;

/// <summary>The sizes of <see cref="UpsampleConcat"/>'s tensors.</summary>
internal sealed class UpsampleConcatShape
{
    /// <param name="deep">[N, C, h, w].</param>
    /// <param name="skip">[N, D, H, W].</param>
    public UpsampleConcatShape(long[] deep, long[] skip)
    {
        Batch = (int)deep[0];
        (DeepChannels, SkipChannels) = ((int)deep[1], (int)skip[1]);
        Rows = new BilinearTaps((int)deep[2], (int)skip[2]);
        Columns = new BilinearTaps((int)deep[3], (int)skip[3]);
    }

    /// <summary>N.</summary>
    public int Batch { get; }

    /// <summary>C, the channels that are interpolated.</summary>
    public int DeepChannels { get; }

    /// <summary>D, the channels that are copied.</summary>
    public int SkipChannels { get; }

    /// <summary>C + D.</summary>
    public int Channels => DeepChannels + SkipChannels;

    /// <summary>From h rows to H.</summary>
    public BilinearTaps Rows { get; }

    /// <summary>From w columns to W.</summary>
    public BilinearTaps Columns { get; }

    /// <summary>h.</summary>
    public int DeepHeight => Rows.Source;

    /// <summary>w.</summary>
    public int DeepWidth => Columns.Source;

    /// <summary>H.</summary>
    public int Height => Rows.Size;

    /// <summary>W.</summary>
    public int Width => Columns.Size;
}
