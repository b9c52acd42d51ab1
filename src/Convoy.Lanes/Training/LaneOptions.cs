using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Metrics;
using Convoy.Training.Options;

namespace Convoy.Lanes.Training;

/// <summary>The lane detector's own settings, beside those that every run has (<see cref="TrainingOptions"/>).</summary>
public sealed record LaneOptions
{
    /// <summary>The training data: a folder in TuSimple's layout.</summary>
    [Option("The training data in TuSimple's layout, or 'synthetic' to draw some.", Value = "DIR", IsPath = true, Effect = SettingEffect.Speed)]
    public string Data { get; init; } = string.Empty;

    /// <summary>The validation data: a folder, or null to hold out <see cref="ValSplit"/> of <see cref="Data"/>.</summary>
    [Option("Validation data.", Value = "DIR", IsPath = true, Otherwise = "the last clips of --data, see --val-split")]
    public string? Val { get; init; }

    /// <summary>The share of <see cref="Data"/> to hold out when there is no <see cref="Val"/>: its last clips. 0 to below 1, 0 for none. Default 0.2.</summary>
    [Option("The share of --data to hold out: its last clips. 0 holds out none.", Minimum = 0, Maximum = 1, BelowMaximum = true)]
    public double ValSplit { get; init; } = 0.2;

    /// <summary>The encoder's depth. Default ResNet18.</summary>
    [Option("The encoder: resnet18 or resnet34.", Effect = SettingEffect.Work)]
    public EncoderDepth Encoder { get; init; } = EncoderDepth.ResNet18;

    /// <summary>The size that the network sees. Default 800x360.</summary>
    [Option("The size that the network sees.", Effect = SettingEffect.Work)]
    public ImageSize ImageSize { get; init; } = ImageSize.Network;

    /// <summary>The width of a lane in the masks, in pixels at <see cref="ImageSize"/>, above 0 and up to 200; null for that of 5 pixels at 1280x720.</summary>
    [Option("Width of a lane in the masks, in pixels at --image-size.", Minimum = 0, AboveMinimum = true, Maximum = 200, Otherwise = "5 pixels at 1280x720, scaled")]
    public double? LineWidth { get; init; }

    /// <summary>Whether training frames are changed at random. Default true.</summary>
    [Option("Change training frames at random.", Effect = SettingEffect.Speed)]
    public bool Augment { get; init; } = true;

    /// <summary>A folder for decoded frames, or null for no cache.</summary>
    [Option("Keep decoded frames in this folder.", Value = "DIR", IsPath = true, Otherwise = "no cache", Label = "a cache of decoded frames", Effect = SettingEffect.Speed)]
    public string? Cache { get; init; }

    /// <summary>A safetensors file with the encoder's weights under torchvision's names, or null to start from scratch.</summary>
    [Option("Start the encoder from torchvision's weights in this safetensors file.", Value = "FILE", IsPath = true, Otherwise = "from scratch")]
    public string? Pretrained { get; init; }

    /// <summary>The settings, a row each.</summary>
    public static OptionTable Table { get; } = OptionTable.For(typeof(LaneOptions));
}
