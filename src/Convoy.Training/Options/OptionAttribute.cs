using Convoy.Metrics;

namespace Convoy.Training.Options;

/// <summary>
/// Makes a property a setting: an option of the command line, a name in <c>--config</c> and in a run's <c>config.json</c>, an entry of <c>--help</c>, and
/// a part of the command with which a report recommends to train. The property's initial value is the default.
/// </summary>
/// <remarks>
/// The property may be a number (<see langword="int"/>, <see langword="long"/>, <see langword="double"/>), a <see langword="bool"/>, text, an enum, or any type that
/// <c>System.Text.Json</c> reads from a string, by a <c>JsonConverter</c> of the property or of the type; nullable where the setting may be absent. It needs a setter or <c>init</c>.
/// </remarks>
/// <param name="help">What the setting does: one sentence with its full stop, without the default.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string help) : Attribute
{
    /// <summary>What the setting does: one sentence with its full stop.</summary>
    public string Help => help;

    /// <summary>The option, such as <c>--batch-size</c>. Default: the property's name in that form.</summary>
    public string? Name { get; set; }

    /// <summary>What stands for the value in <c>--help</c>, such as <c>DIR</c>. Default: nothing.</summary>
    public string? Value { get; set; }

    /// <summary>What a value must be, in words that follow "must be", where its type does not say it: <c>a size such as 800x360</c>. Default: by the type.</summary>
    public string? Kind { get; set; }

    /// <summary>The least value. Default: none.</summary>
    public double Minimum { get; set; } = double.NegativeInfinity;

    /// <summary>The greatest value. Default: none.</summary>
    public double Maximum { get; set; } = double.PositiveInfinity;

    /// <summary>Whether the value must be above <see cref="Minimum"/>. Default false: it may equal it.</summary>
    public bool AboveMinimum { get; set; }

    /// <summary>Whether the value must be below <see cref="Maximum"/>. Default false: it may equal it.</summary>
    public bool BelowMaximum { get; set; }

    /// <summary>What holds where the value is null or <c>auto</c>, in words for <c>--help</c>. Default: "none".</summary>
    public string Otherwise { get; set; } = "none";

    /// <summary>Whether <c>auto</c>, and nothing given, stands for a number that the program chooses; the property is 0 then, and <c>config.json</c> has the word. Default false.</summary>
    public bool IsAutomatic { get; set; }

    /// <summary>Whether the text names a file or a folder, and becomes its absolute path. Default false.</summary>
    public bool IsPath { get; set; }

    /// <summary>Whether <c>true</c> or <c>false</c> may be written after the option, which alone stands for <c>true</c>. Default false: it is a switch, with <c>--no-...</c> beside it where the default is true.</summary>
    public bool TakesBoolean { get; set; }

    /// <summary>What another value would change; decides whether runs with different values are compared, and whether the recommended command repeats it. Default <see cref="SettingEffect.Nothing"/>.</summary>
    public SettingEffect Effect { get; set; }

    /// <summary>What people call it in reports: <c>loader workers</c>. Default: its name.</summary>
    public string? Label { get; set; }
}
