using System.Text;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

public class TuSimpleLabelFileTests
{
    private const string Good = """{"lanes": [[-2, 567.5], [3, -2]], "h_samples": [160, 170], "raw_file": "clips/a/1/20.jpg", "extra": 1}""";

    [Fact]
    public void Read_GoodLines_GivesThemInOrder()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", Good + "\n\n" + Good.Replace("a/1", "a/2", StringComparison.Ordinal));

        IReadOnlyList<TuSimpleLabel> labels = TuSimpleLabelFile.Read(path);

        Assert.Equal(["clips/a/1/20.jpg", "clips/a/2/20.jpg"], labels.Select(label => label.RawFile));
        Assert.Equal([-2, 567.5], labels[0].Lanes[0]);
        Assert.Equal([160, 170], labels[0].HSamples);
    }

    [Fact]
    public void Write_ThenRead_GivesTheSame()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel[] labels = [SmallDataset.Label(0), SmallDataset.Label(3), new("x.jpg", [], [])];

        TuSimpleLabelFile.Write(folder.File("out.json"), labels);

        Assert.Equal(3, File.ReadAllLines(folder.File("out.json")).Length);
        Assert.Equivalent(labels, TuSimpleLabelFile.Read(folder.File("out.json")), strict: true);
    }

    [Theory]
    [InlineData("{\"lanes\": [[-2, 5], [3, -", "not valid JSON")]
    [InlineData("[1, 2]", "not a JSON object")]
    [InlineData("{\"lanes\": [], \"h_samples\": []}", "has no raw_file")]
    [InlineData("{\"lanes\": [], \"raw_file\": \"a\"}", "has no h_samples")]
    [InlineData("{\"h_samples\": [], \"raw_file\": \"a\"}", "has no lanes")]
    [InlineData("{\"lanes\": [[1]], \"h_samples\": [1, 2], \"raw_file\": \"a\"}", "lane 1 has 1 point, but h_samples has 2 rows")]
    [InlineData("{\"lanes\": [5], \"h_samples\": [1], \"raw_file\": \"a\"}", "not a list of numbers")]
    [InlineData("{\"lanes\": [[\"5\"]], \"h_samples\": [1], \"raw_file\": \"a\"}", "not a number")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1], \"raw_file\": 3}", "raw_file is not a string")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1, 3, 2], \"raw_file\": \"a\"}", "h_samples neither ascends nor descends")]
    [InlineData("{\"lanes\": [], \"h_samples\": [1], \"raw_file\": \"\"}", "raw_file is empty")]
    public void Read_BadThirdLine_NamesFileAndLine(string line, string expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", $"{Good}\n{Good}\n{line}\n{Good}\n");

        var error = Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(path));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains($"({path}, line 3). ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Read_EmptyOrAbsentFile_SaysSo()
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("l.json", "\n");

        Assert.Contains("holds no labels", Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(empty)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(folder.File("no"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OtherShapesOfTheSameObjects_GivesTheSame()
    {
        using var folder = new TemporaryFolder();
        string other = Good.Replace("a/1", "a/2", StringComparison.Ordinal);
        string apart = Good.Replace(",", ",\n  ", StringComparison.Ordinal).Replace("{", "{\n", StringComparison.Ordinal);
        foreach (string text in new[]
        {
            $"[{Good}, {other}]", $"[\n{Good},\n{other}\n]\n", $"[{Good}]\n[{other}]", $"{Good}{other}", $"{Good} {other}\r\n", $"{apart}\n{other}", $"{Good}\n{apart.Replace("a/1", "a/2", StringComparison.Ordinal)}\n\n",
            $"[\n{apart},\n{other}]", $"\uFEFF{Good}\n\uFEFF{other}\n",
        })
        {
            IReadOnlyList<TuSimpleLabel> labels = TuSimpleLabelFile.Read(folder.Write("l.json", text));

            Assert.Equal(["clips/a/1/20.jpg", "clips/a/2/20.jpg"], labels.Select(label => label.RawFile));
            Assert.All(labels, label => Assert.Equal([-2, 567.5], label.Lanes[0]));
        }
    }

    [Theory]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    [InlineData("utf-16BE", false)]
    [InlineData("utf-8", true)]
    public void Read_OtherEncodings_GivesTheSame(string name, bool mark)
    {
        using var folder = new TemporaryFolder();
        var encoding = Encoding.GetEncoding(name);
        File.WriteAllBytes(folder.File("l.json"), [.. mark ? encoding.GetPreamble() : [], .. encoding.GetBytes(Good.Replace("a/1", "\u00FC/1", StringComparison.Ordinal) + "\n" + Good)]);

        Assert.Equal(["clips/\u00FC/1/20.jpg", "clips/a/1/20.jpg"], TuSimpleLabelFile.Read(folder.File("l.json")).Select(label => label.RawFile));
    }

    [Theory]
    [InlineData("{\"lanes\": [[NaN, 1]]}", 13, "NaN is not a number in JSON", "Write -2 where a lane has no point.")]
    [InlineData("{\"lanes\": [[-2, nan]]}", 17, "nan is not a number in JSON", "Write -2 where a lane has no point.")]
    [InlineData("{\"lanes\": [[-Infinity]]}", 13, "-Infinity is not a number in JSON", "Write -2 where a lane has no point.")]
    [InlineData("{'lanes': [[1]]}", 2, "a string is in single quotes", "Use double quotes, as json.dumps does.")]
    [InlineData("{\"lanes\": None}", 11, "None is written as in Python", "Write the file with json.dumps instead of str or print.")]
    [InlineData("{\"lanes\": [[1, 2,]]}", 18, "a comma before ]", "Remove the comma.")]
    [InlineData("{\"lanes\": [[1,, 2]]}", 15, "there is a comma too many", "Remove it.")]
    [InlineData("{\"lanes\": [[1]], // two lanes", 18, "a comment, which JSON does not have", "Remove it.")]
    [InlineData("{\"raw_file\": \"clips\\a\"}", 21, "a backslash before a in a string", "Use / in paths, and two backslashes where one is meant.")]
    [InlineData("{\"\u00E4\u00F6\": lanes}", 8, "lanes is unexpected", "Give an object with lanes, h_samples and raw_file, as in TuSimple's files.")]
    [InlineData("{\"lanes\": \u201C}", 11, "\u201C is unexpected", "Give an object with lanes, h_samples and raw_file, as in TuSimple's files.")]
    [InlineData("{\"lanes\": \0\0}", 11, "the character U+0000", "Remove it, or restore the file.")]
    public void Read_NoJson_SaysWhatIsThereAndWhere(string line, int column, string what, string remedy)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", $"{Good}\n{line}\n");

        string message = Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(path)).Message;

        Assert.Equal($"a label is not valid JSON: {what} ({path}, line 2, column {column}). {remedy}", message);
    }

    [Theory]
    [InlineData("[1, 2]\n", "a label is not a JSON object: 1 (F, line 1). Give one JSON object per line, or a list of them.")]
    [InlineData("G,\nG", "a comma separates labels that are not in a list (F, line 1, column 103). Remove it, or enclose all labels in [ and ].")]
    [InlineData("[G G]", "a comma is missing between two labels of a list (F, line 1, column 105). Add it, or write one label per line without [ and ].")]
    [InlineData("[G,\nG\n", "the list of labels is not closed before the end of the file (F, line 3, column 1). Restore its end from the original file, or add a ] there.")]
    [InlineData("G\n{\n\"lanes\": [\n[1, 2", "a label is not valid JSON: the file ends in the middle of it, so it may be cut off (F, line 2). Restore the line from the original file or delete it.")]
    [InlineData("{\n\"lanes\": [\n[1, 2],\n [NaN]]}", "a label is not valid JSON: NaN is not a number in JSON (F, line 4, column 3). Write -2 where a lane has no point.")]
    [InlineData("G\n{\"lanes\": [[1]], \"h_samples\": [1],\n \"raw_file\": \"\\ud800\"}", "a string contains half of a character, an escape \\uD800 to \\uDFFF by itself (F, line 2). Write the whole character.")]
    [InlineData("{\"lanes\": [], \"h_samples\": [], \"raw_file\": \"a\\u0000b\"}", "raw_file contains the character U+0000, which paths cannot contain (F, line 1). Write the path of the frame's image there.")]
    [InlineData("<html>", "a label is not a JSON object: < (F, line 1). Give one JSON object per line, or a list of them.")]
    public void Read_NoListOfObjects_SaysWhatIsThereAndWhere(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("l.json", text.Replace("G", Good, StringComparison.Ordinal));

        string message = Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(path)).Message;

        Assert.Equal(expected.Replace("(F", $"({path}", StringComparison.Ordinal), message);
    }

    [Fact]
    public void Read_Latin1_NamesTheByte()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("l.json"), Encoding.Latin1.GetBytes(Good + "\n{\"raw_file\": \"\u00FC\"}"));

        Assert.Equal(
            $"the label file is not UTF-8 text: byte 0xFC ({folder.File("l.json")}, line 2, column 15). Save it as UTF-8.",
            Assert.Throws<BadInputException>(() => TuSimpleLabelFile.Read(folder.File("l.json"))).Message);
    }
}
