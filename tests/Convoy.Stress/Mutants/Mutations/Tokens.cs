namespace Convoy.Stress.Mutants.Mutations;

/// <summary>Texts that readers stumble over.</summary>
internal static class Tokens
{
    /// <summary>Values as they stand in JSON, some of which JSON does not have.</summary>
    public static IReadOnlyList<string> Json { get; } =
    [
        "null", "true", "false", "0", "1", "-1", "-0", "0.5", "1.0", "2", "3", "64", "99", "1000", "100000", "1000000000", "1e308", "-1e308", "1e-308", "5e-324", "1e309", "-9e10", "1e400", "1e19", "0.1e1",
        "NaN", "Infinity", "-Infinity", "\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967296", "9223372036854775807",
        "-9223372036854775808", "9223372036854775808", "99999999999999999999", "[]", "{}", "[[]]", "[{}]", "[null]", "{\"\":null}", "[0]", "[-1]", "[1e308,1e308]", "[-2,-2,-2]", "[0,9223372036854775807]",
        "\"\"", "\" \"", "\"0\"", "\"1\"", "\"-1\"", "\"true\"", "\"null\"", "\"\\ud800\"", "\"a\\udfffb\"", "\"\\u0000\"", "\"a\\u0000b\"", "\"a\\nb\"", "\"\\r\\n\"", "\"\\t\"", "\"\\u202e\"", "\"\\ud83d\\ude00\"",
        "\".\"", "\"..\"", "\"/\"", "\"../..\"", "\"a/../../b\"", "\"\\\\\"", "\"C:\\\\a\"", "\"~\"", "\"0x0\"", "\"1x1\"", "\"-1x-1\"", "\"2147483647x2147483647\"", "\"999999x999999\"", "\"800x\"", "\"x\"",
        "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.9999999+00:00\"", "\"9999-12-31T23:59:59-14:00\"", "\"2024-02-30T00:00:00Z\"", "\"yesterday\"", "'a'", "undefined", "01", "+1", "1.", ".5", "0x10", "1_000", "tru", "//", "/* */",
        "\"fp32\"", "\"bf16\"", "\"FP32\"", "\"float32\"", "\"Fp32, Bf16\"", "\"[bold]\"", "\"[/]\"", "\"{0}\"", "\"<script>\"", "\"a|b\"", "\"default\"", "\"resnet18\"", "\"ResNet99\"", "\"7\"",
    ];

    /// <summary>Names that an object of another kind could have.</summary>
    public static IReadOnlyList<string> Names { get; } = ["\"\"", "\"$type\"", "\"$id\"", "\"$ref\"", "\"__metadata__\"", "\"\\ud800\"", "\"\\u0000\"", "\"a\\nb\"", "\"schema\"", "\"metrics\"", "\"Step\"", "\"STEP\"", "\"extra\""];

    /// <summary>Words of lists and tables.</summary>
    public static IReadOnlyList<string> Words { get; } =
    [
        "", "0", "1", "-1", "2", "1.0", "1e3", "1e308", "-1e308", "1e309", "1e-308", "5e-324", "NaN", "Infinity", "-inf", "2147483647", "2147483648", "9223372036854775807", "99999999999999999999", "0,5", "1.234,5", "1'000", "0x10",
        "null", "true", "\0", "\"", "\"\"", "\"a,b\"", "\"a", "'", ";", ",", "\t", "\n", "\r\n", "\r", " ", "/", ".", "..", "../..", "\\", "//", "a/../../b", "\u00e9", "\ufeff", "\u202e", "\ud83d\ude00", "#", "=", "=1+1", "%s", "{0}", "[bold]", "[/]", "<b>", "|",
        "fp32", "bf16", "float32", "processes", "seconds", "precision", "images/s", "speedup", "time", "max", "image", "mask",
    ];
}
