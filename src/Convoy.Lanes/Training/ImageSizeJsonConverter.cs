using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Training;

/// <summary>Image sizes as <c>"800x360"</c> in JSON, as on the command line.</summary>
internal sealed class ImageSizeJsonConverter : JsonConverter<ImageSize>
{
    /// <inheritdoc/>
    public override ImageSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageSize.Parse(reader.GetString() ?? string.Empty);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ImageSize value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}
